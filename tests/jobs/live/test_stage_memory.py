"""What was read of a stage is not read again, and the rows are those that reading everything gives."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from polars.testing import assert_frame_equal

import effort
from pawl.jobs.live import stage_memory
from pawl.jobs.live.rollouts import tick_rollouts
from pawl.jobs.live.stage_evidence import evidence_json, gather
from pawl.jobs.live.stage_memory import StageMemory
from pawl.jobs.live.stage_rows import stage_rows
from pawl.ledger.database import Ledger
from pawl.ledger.rollouts import running_rollout
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.signals import SignalOutcome, resolve_signal
from rollout_world import BAR, NEW, OLD, Life, Said, better, standing

VERSIONS = (OLD, NEW)


@pytest.fixture
def life(ledger: Ledger) -> Life:
    """A candidate in shadow."""
    begun = Life(ledger)
    begun.begin()
    return begun


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one whenever everything is read."""
    found: list[int] = []

    def counted(tx: Any, learner: str, versions: Any, since: Any, until: Any) -> Any:
        rows = stage_rows(tx, learner, versions, since, until)
        found.append(rows.height)
        return rows

    monkeypatch.setattr(stage_memory, "stage_rows", counted)
    return found


def same(life: Life, memory: StageMemory, since: Any) -> None:
    with life.ledger.reading() as tx:
        assert_frame_equal(
            memory.rows(tx, "m002", VERSIONS, since, life.at), stage_rows(tx, "m002", VERSIONS, since, life.at)
        )


def resolve_late(life: Life, rng: np.random.Generator, how_many: int, *, at: Any = None) -> None:
    """Tell what came of some signals that were left open, of whatever age."""
    c = trading_signals.c
    with life.ledger.transaction() as tx:
        ids = (
            tx.execute(sa.select(c.id).where(c.actual_outcome.is_(None)).order_by(c.bar_timestamp, c.id))
            .scalars()
            .all()
        )
        for place in rng.choice(len(ids), min(how_many, len(ids)), replace=False):
            won = SignalOutcome(outcome="win", pnl=0.002, source="virtual")
            assert resolve_signal(tx, ids[place], won, at or life.at)


def half_open(rng: np.random.Generator) -> Callable[[str, int], Said]:
    return lambda version, number: Said(pnl=None if rng.random() < 0.5 else float(rng.normal(0, 0.001)))


def test_looks_at_a_stage_give_what_reading_everything_gives(
    life: Life, rng: np.random.Generator, whole: list[int]
) -> None:
    """Signals and outcomes come at any age of the signal, in steps of any length."""
    memory, began = StageMemory(), life.at
    for n_hours in (1, 1, 5, 30, 1, 2, 1, 1):
        life.live(n_hours / 24, half_open(rng))
        resolve_late(life, rng, 6)
        same(life, memory, began)
        same(life, memory, began)  # the same instant again
    first, *later = whole
    assert first <= 4 and max(later) <= 4 * 33, "no look but the first reads more than what came since, and two hours"


def test_what_was_written_late_is_found(life: Life, rng: np.random.Generator, whole: list[int]) -> None:
    """A signal, or an outcome, that is dated long before the look that it was not there at."""
    memory, began = StageMemory(), life.at
    life.live(1, half_open(rng))
    same(life, memory, began)
    everything = whole[-1]
    resolve_late(life, rng, 1, at=life.at - 10 * BAR)
    same(life, memory, began)
    assert whole[-1] == everything
    life.live(BAR / timedelta(days=1), half_open(rng))
    same(life, memory, began)
    assert whole[-1] < everything
    c = trading_signals.c
    with life.ledger.transaction() as tx:
        ids = tx.execute(sa.select(c.id).order_by(c.created_at.desc(), c.id)).scalars().all()
        tx.execute(sa.update(trading_signals).where(c.id == ids[0]).values(created_at=life.at - 9 * BAR))
    same(life, memory, began)


def test_another_stage_an_earlier_instant_and_a_real_outcome_are_read_as_they_are(
    life: Life, rng: np.random.Generator
) -> None:
    memory, began = StageMemory(), life.at
    life.live(1, half_open(rng))
    same(life, memory, began)
    same(life, memory, began + 5 * BAR)  # the next stage
    now, life.at = life.at, life.at - 5 * BAR
    same(life, memory, began + 5 * BAR)
    life.at = now + BAR
    c = trading_signals.c
    with life.ledger.transaction() as tx:
        which = tx.execute(sa.select(c.id).where(c.outcome_source == "virtual").order_by(c.created_at, c.id)).scalars()
        real = SignalOutcome(outcome="loss", pnl=-0.05, source="real")
        assert resolve_signal(tx, next(iter(which)), real, life.at)
    same(life, memory, began + 5 * BAR)
    same(life, memory, began)


def test_evidence_and_steps_are_those_of_reading_everything(ledger: Ledger, rng: np.random.Generator) -> None:
    """A rollout from shadow to its second canary, looked at every few hours: figure by figure the old computation."""
    life = Life(ledger)
    life.begin()
    kept = replace(life.world, memory=StageMemory())
    for _ in range(28):
        life.live(0.5, better)
        with ledger.reading() as tx:
            stored = running_rollout(tx, "m002")
            assert stored is not None
            ours, theirs = (gather(tx, one, stored, life.at) for one in (kept, life.world))
        assert evidence_json(ours, ours.evidence.verdict) == evidence_json(theirs, theirs.evidence.verdict)
        assert ours == theirs
        tick_rollouts(kept, life.at)
    assert standing(ledger)[2:4] == (2, 0.2)


@pytest.fixture
def statements(sqlite_ledger: Ledger) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database."""
    with effort.statements(sqlite_ledger) as asked:
        yield asked


def test_a_look_is_answered_by_indexes(sqlite_ledger: Ledger, statements: list[tuple[str, Any]]) -> None:
    """Counts by indexes that hold all they ask for, rows by the instants since the last look."""
    memory = StageMemory()
    life = Life(sqlite_ledger)
    life.begin()
    with sqlite_ledger.reading() as tx:
        memory.rows(tx, "m002", VERSIONS, life.at, life.at + BAR)
        statements.clear()
        memory.rows(tx, "m002", VERSIONS, life.at, life.at + 5 * BAR)
        plans = [str(tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", how).all()) for one, how in list(statements)]
    of_signals = [plan for plan in plans if "trading_signals" in plan]
    assert len(of_signals) == 6
    for plan in of_signals:
        assert "(learner=? AND created_at>?" in plan or "(virtual_at>?" in plan, plan
    assert sum("COVERING INDEX" in plan for plan in of_signals) == 4
