"""Who decides on a bar: REV-R27 to R29, PASS-R34 and what a stage makes of it."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from uuid import UUID

import pytest

from ledger_world import promoted, trained
from pawl.errors import NotFoundError
from pawl.gates.ab_test import AbTest
from pawl.ids import ModelVersion
from pawl.jobs.live.routing_now import Deciders, deciders
from pawl.ledger.ab_tests import start_test
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.signal_tables import trading_signals
from rollout_world import BEGAN, NEW, OLD, THIRD, Life, harmful, standing

BARS = [BEGAN + timedelta(minutes=15 * number) for number in range(5_000)]
WEEK = timedelta(days=7)


def routing(life: Life) -> Deciders:
    with life.ledger.reading() as tx:
        return deciders(tx, life.learner)


def test_rev_r27_half_of_ten_thousand_bars_go_to_a_and_a_bar_always_to_the_same(sqlite_ledger: Ledger) -> None:
    life = Life(sqlite_ledger, plan="reversal")
    life.begin()
    drawn = [(pair, bar, routing_.of(pair, "15m", bar)) for routing_ in [routing(life)] for pair in ("EURUSD", "USDJPY")
             for bar in BARS]  # fmt: skip
    n_a = sum(one.acting == OLD for _, _, one in drawn)
    assert len(drawn) == 10_000 and abs(n_a / len(drawn) - 0.5) <= 0.02
    # Each quarter of an hour is drawn by itself: of two that follow each other half have two arms, of two pairs too.
    arms = {(pair, bar): one.acting for pair, bar, one in drawn}
    pairs_of_bars = list(pairwise(BARS))
    n_changes = sum(arms["EURUSD", bar] != arms["EURUSD", after] for bar, after in pairs_of_bars)
    n_apart = sum(arms["EURUSD", bar] != arms["USDJPY", bar] for bar in BARS)
    assert abs(n_changes / len(pairs_of_bars) - 0.5) <= 0.03 and abs(n_apart / len(BARS) - 0.5) <= 0.03
    again = routing(life)  # read anew, as a retry after a restart would
    elsewhere = timezone(timedelta(hours=9))
    assert all(again.of(pair, "15m", bar.astimezone(elsewhere)) == one for pair, bar, one in drawn)
    assert {one.shadows for _, _, one in drawn if one.acting == OLD} == {(NEW,)}


def test_rev_r28_a_signal_carries_its_version_and_the_test_that_drew_it(ledger: Ledger) -> None:
    life = Life(ledger, plan="reversal")
    stored = life.begin()
    life.live(0.5)
    with ledger.reading() as tx:
        rows = tx.execute(trading_signals.select()).all()
    assert {row.model_version for row in rows if not row.is_shadow} == {OLD, NEW}
    assert {row.ab_test_id for row in rows if not row.is_shadow} == {stored.ab_test_id}
    assert {row.ab_test_id for row in rows if row.is_shadow} == {None}


def test_rev_r29_without_a_test_the_active_version_decides_and_with_none_active_nobody(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError, match="no version of `m002` is active"), ledger.reading() as tx:
        deciders(tx, "m002")
    with ledger.transaction() as tx:
        promoted(tx, OLD, on=1)
        found = deciders(tx, "m002").of("EURUSD", "15m", BEGAN)
    assert (found.acting, found.shadows, found.ab_test_id) == (OLD, (), None)


def test_pass_r34_five_percent_lies_inside_twenty_and_a_user_stays(sqlite_ledger: Ledger) -> None:
    """PASS-R34: of the same users, at 5 % and later at 20 %; and bars where no user is told apart."""
    life = Life(sqlite_ledger)
    life.begin()
    users = [f"user-{number}" for number in range(4_000)]

    def members() -> tuple[set[str], set[datetime]]:
        found = routing(life)
        of_users = {user for user in users if found.of("EURUSD", "15m", BEGAN, user=user).acting == NEW}
        return of_users, {bar for bar in BARS if found.of("EURUSD", "15m", bar).acting == NEW}

    assert members() == (set(), set())
    life.put(1, 0.05)
    five, five_bars = members()
    assert members() == (five, five_bars)
    assert routing(life).of("USDJPY", "1h", BARS[7], user=min(five)).acting == NEW
    life.put(2, 0.20)
    twenty, twenty_bars = members()
    assert five < twenty and five_bars < twenty_bars
    assert abs(len(five) / 4_000 - 0.05) < 0.01 and abs(len(twenty) / 4_000 - 0.2) < 0.02
    assert abs(len(five_bars) / 5_000 - 0.05) < 0.01 and abs(len(twenty_bars) / 5_000 - 0.2) < 0.02


def test_a_position_stays_with_the_version_that_opened_it(sqlite_ledger: Ledger) -> None:
    life = Life(sqlite_ledger, plan="reversal")
    life.begin()
    found = routing(life)
    for bar in BARS[:50]:
        for version, other in ((OLD, NEW), (NEW, OLD)):
            one = found.of("EURUSD", "15m", bar, opened_by=version)
            assert (one.acting, one.shadows) == (version, (other,))


def test_whoever_is_out_of_trading_decides_nothing_any_more(ledger: Ledger) -> None:
    """Rolled back, or compared with a champion that serves no longer: before any further tick."""
    life = Life(ledger)
    life.begin()
    life.put(2, 0.2)
    assert routing(life).versions == (OLD, NEW)
    with ledger.transaction() as tx:
        promoted(tx, THIRD, on=900)
    assert (routing(life).versions, routing(life).of("EURUSD", "15m", BEGAN).acting) == ((THIRD,), THIRD)
    life.live(0.5, harmful)
    life.tick()
    assert routing(life).versions == (THIRD,)


def test_the_version_before_goes_on_deciding_in_the_shadow_of_a_new_champion(ledger: Ledger) -> None:
    """So that its failures are seen as such, until the rollout is over."""
    life = Life(ledger, plan="meta")
    life.begin()
    assert standing(ledger)[0] == NEW
    found = routing(life).of("EURUSD", "15m", BEGAN)
    assert (found.acting, found.shadows) == (NEW, (OLD,))


def test_a_test_whose_arm_a_serves_no_longer_draws_nobody(ledger: Ledger) -> None:
    life = Life(ledger)
    test = AbTest(test_id=str(identity("ab_test", 1)), model_a=OLD, model_b=NEW, traffic_split=0.0, started_at=BEGAN,
                  ends_at=BEGAN + WEEK)  # fmt: skip
    with ledger.transaction() as tx:
        start_test(tx, "m002", test, "by hand")
    drawn = routing(life).of("EURUSD", "15m", BEGAN)
    assert (drawn.acting, drawn.shadows, drawn.ab_test_id) == (NEW, (OLD,), UUID(test.test_id))
    with ledger.transaction() as tx:
        trained(tx, ModelVersion("m002-1.8"))
        promoted(tx, THIRD, on=900)
    assert routing(life).of("EURUSD", "15m", datetime(2026, 3, 1, tzinfo=UTC)).acting == THIRD
