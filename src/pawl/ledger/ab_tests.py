"""A/B tests as they are stored: begun, kept current, and ended once, decided or stopped."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import NotFoundError, RefusalError
from pawl.gates.ab_test import AbResult, AbTest
from pawl.ids import ModelVersion
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.column_types import utc_text
from pawl.ledger.identity import identity

__all__ = [
    "FOREVER",
    "ArmFigures",
    "StoredTest",
    "complete_test",
    "get_test",
    "list_tests",
    "new_test_id",
    "running_test",
    "start_test",
    "stop_test",
    "track_arms",
]


FOREVER = datetime.max.replace(tzinfo=UTC)
"""The end of a test of which no end is set."""
INSTANT = timedelta(microseconds=1)
"""What a test lasts at least that was stopped at the instant it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFigures:
    """One arm so far. predictions: bars it decided. win_rate: wins over wins and losses. avg_pnl: net of costs, mean of
    the resolved signals, bps of notional. None where nothing is resolved.
    """

    predictions: int
    win_rate: float | None
    avg_pnl: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTest:
    """A test as it stands. test: what runs, with its planned end, or that at which it was stopped."""

    test_id: UUID
    learner: str
    name: str
    test: AbTest
    status: str
    arms: Mapping[str, ArmFigures]
    p_value: float | None
    is_significant: bool
    winner: str | None
    updated_at: datetime


def start_test(tx: sa.Connection, learner: str, test: AbTest, name: str) -> UUID:
    """Begin a test; its id. RefusalError while another of the learner runs: tests do not overlap."""
    test_id = UUID(test.test_id)
    tx.execute(
        sa.insert(ab_tests).values(
            id=test_id,
            test_name=name,
            model_a_version=test.model_a,
            model_b_version=test.model_b,
            traffic_split=test.traffic_split,
            start_date=test.started_at,
            end_date=test.ends_at,
            created_at=test.started_at,
            updated_at=test.started_at,
            learner=learner,
        )
    )
    return test_id


def new_test_id(learner: str, model_b: ModelVersion, started_at: datetime) -> UUID:
    """The id of a test: the same when the same step begins it again."""
    return identity("ab_test", learner, model_b, utc_text(started_at))


def running_test(tx: sa.Connection, learner: str) -> AbTest | None:
    """The test of a learner that runs; None where none does. While one runs no daily version is deployed."""
    c = ab_tests.c
    row = tx.execute(sa.select(ab_tests).where(c.learner == learner, c.status == "running")).one_or_none()
    return None if row is None else _stored(row).test


def get_test(tx: sa.Connection, test_id: UUID) -> StoredTest:
    """A test by its id; NotFoundError when there is none."""
    row = tx.execute(sa.select(ab_tests).where(ab_tests.c.id == test_id)).one_or_none()
    if row is None:
        raise NotFoundError(
            f"no A/B test {test_id}", where="model_ab_test", fix="start one, or see pawl rollout status"
        )
    return _stored(row)


def list_tests(tx: sa.Connection, learner: str | None = None) -> list[StoredTest]:
    """Every test, of one learner or of all; oldest first."""
    c = ab_tests.c
    chosen = sa.select(ab_tests).order_by(c.start_date, c.id)
    if learner is not None:
        chosen = chosen.where(c.learner == learner)
    return [_stored(row) for row in tx.execute(chosen)]


def track_arms(tx: sa.Connection, test_id: UUID, a: ArmFigures, b: ArmFigures, at: datetime) -> None:
    """Bring the counts and rates of a running test up to date; those of an ended one stay as they were."""
    running = (ab_tests.c.id == test_id) & (ab_tests.c.status == "running")
    tx.execute(sa.update(ab_tests).where(running).values(**_figures(a, b), updated_at=at))


def complete_test(tx: sa.Connection, test_id: UUID, result: AbResult, at: datetime) -> None:
    """Say who won, once. RefusalError for a test that has ended."""
    values = {
        "status": "completed",
        "winner": result.winner.value,
        "p_value": result.p_value,
        "is_significant": result.is_significant,
    }
    _end(tx, test_id, values, at)


def stop_test(tx: sa.Connection, test_id: UUID, at: datetime) -> None:
    """End a test without a winner; its counts stay as they are. RefusalError for a test that has ended."""
    _end(tx, test_id, {"status": "stopped", "end_date": at}, at)


def _end(tx: sa.Connection, test_id: UUID, values: dict[str, Any], at: datetime) -> None:
    running = (ab_tests.c.id == test_id) & (ab_tests.c.status == "running")
    if tx.execute(sa.update(ab_tests).where(running).values(**values, updated_at=at)).rowcount != 1:
        status = get_test(tx, test_id).status
        raise RefusalError(f"test {test_id} has ended: {status}", where="model_ab_test", fix="ask for its report")


def _figures(a: ArmFigures, b: ArmFigures) -> dict[str, Any]:
    return {
        f"model_{arm}_{name}": getattr(figures, name)
        for arm, figures in (("a", a), ("b", b))
        for name in ("predictions", "win_rate", "avg_pnl")
    }


def _stored(row: sa.Row[Any]) -> StoredTest:
    values = row._mapping
    test = AbTest(
        test_id=str(row.id),
        model_a=ModelVersion(row.model_a_version),
        model_b=ModelVersion(row.model_b_version),
        traffic_split=row.traffic_split,
        started_at=row.start_date,
        ends_at=FOREVER if row.end_date is None else max(row.end_date, row.start_date + INSTANT),
    )
    arms = {
        arm: ArmFigures(**{name: values[f"{arm}_{name}"] for name in ("predictions", "win_rate", "avg_pnl")})
        for arm in ("model_a", "model_b")
    }
    return StoredTest(
        test_id=row.id,
        learner=row.learner,
        name=row.test_name,
        test=test,
        status=row.status,
        arms=arms,
        p_value=row.p_value,
        is_significant=row.is_significant,
        winner=row.winner,
        updated_at=row.updated_at,
    )
