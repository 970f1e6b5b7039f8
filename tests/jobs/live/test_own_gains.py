"""Own paired gains, day by day, against a computation of their own."""

import pytest

from pawl.jobs.live.own_gains import own_day_gains
from pawl.ledger.database import Ledger
from rollout_world import NEW, OLD, Life, better


def test_gains_are_the_mean_of_each_day_of_each_rollout(ledger: Ledger) -> None:
    life = Life(ledger)
    life.begin()
    life.live(7.5, better)
    with ledger.reading() as tx:
        gains = own_day_gains(tx, life.at)
    days: dict[int, list[float]] = {}
    for number in range(1, 181):  # hour by hour from midnight; both pairs say the same
        gain = (better(NEW, number).pnl or 0) - (better(OLD, number).pnl or 0)
        days.setdefault(number // 24, []).append(gain * 1e4)
    assert gains["m002"].tolist() == pytest.approx([sum(one) / len(one) for one in days.values()])
