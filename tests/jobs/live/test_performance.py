"""Production figures and arms of a test, against a computation of their own."""

import statistics
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest
import sqlalchemy as sa

from pawl.jobs.live.performance import arm_figures, track_performance
from pawl.ledger.database import Ledger
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.version_tables import model_versions
from rollout_world import NEW, OLD, Life, Said, steady

NOISE = np.random.default_rng(5).normal(0.0002, 0.001, 10_000)


def mixed(version: str, number: int) -> Said:
    """Holds, open ones, and results of all sizes."""
    if number % 7 == 0:
        return Said(signal="hold", pnl=None)
    return Said(pnl=None if number % 11 == 0 else float(NOISE[number + (0 if version == NEW else 5_000)]))


def production(ledger: Ledger, version: str) -> tuple[object, ...]:
    c = model_versions.c
    names = (c.production_predictions, c.production_win_rate, c.production_avg_pnl, c.production_sharpe_ratio)
    with ledger.reading() as tx:
        return tuple(tx.execute(sa.select(*names).where(c.version == version)).one())


def test_production_figures_are_those_of_the_signals_that_acted(ledger: Ledger) -> None:
    life = Life(ledger, plan="reversal")
    life.begin()
    life.live(4, mixed)
    with ledger.transaction() as tx:
        assert track_performance(tx, "m002", life.at) == [OLD, NEW]
        rows = tx.execute(sa.select(trading_signals)).all()
    for version in (OLD, NEW):
        own = [row for row in rows if row.model_version == version and not row.is_shadow]
        ended = [row for row in own if row.actual_pnl is not None]
        wins, losses = (sum(row.actual_outcome == what for row in ended) for what in ("win", "loss"))
        days: dict[object, float] = {}
        for row in ended:
            days[row.resolved_at.date()] = days.get(row.resolved_at.date(), 0.0) + row.actual_pnl
        sharpe = statistics.mean(days.values()) / statistics.stdev(days.values()) * 252**0.5
        assert production(ledger, version) == pytest.approx((
            len(own),
            round(wins / (wins + losses), 4),
            round(1e4 * statistics.fmean(row.actual_pnl for row in ended), 2),
            round(sharpe, 4),
        ), abs=1e-9)  # fmt: skip


def test_a_signal_that_is_written_again_counts_once(ledger: Ledger) -> None:
    """REV-R33: counts follow from the rows, so a retry changes none."""
    life = Life(ledger, plan="reversal")
    stored = life.begin()
    life.live(1, steady)
    assert stored.ab_test_id is not None

    def arms() -> tuple[object, object]:
        with ledger.transaction() as tx:
            track_performance(tx, "m002", life.at)
            return arm_figures(tx, stored.ab_test_id or UUID(int=0))

    before = arms()
    life.at -= timedelta(days=1)
    life.live(1, lambda version, number: Said(pnl=-0.5))
    assert arms() == before
    assert sum(one.predictions for one in before) == 48  # type: ignore[attr-defined]


def test_nothing_traded_is_null_and_one_day_has_no_ratio(ledger: Ledger) -> None:
    life = Life(ledger)
    life.live(0.25, lambda version, number: Said(signal="hold", pnl=None))
    with ledger.transaction() as tx:
        track_performance(tx, "m002", life.at)
    assert production(ledger, OLD) == (12, None, None, None)
    life.live(0.5, lambda version, number: Said(pnl=0.001))
    with ledger.transaction() as tx:
        track_performance(tx, "m002", life.at)
    assert production(ledger, OLD)[1] == 1.0 and production(ledger, OLD)[3] is None
    assert production(ledger, NEW) == (0, None, None, None)


def test_versions_without_news_are_left_alone(ledger: Ledger) -> None:
    life = Life(ledger)
    life.live(1)
    with ledger.transaction() as tx:
        assert track_performance(tx, "m002", life.at + timedelta(days=30)) == []
        assert track_performance(tx, "reversal", life.at) == []
