"""Who decides now, as the ledger has it: the version that serves a learner, and the A/B test that shares its decisions.

A mark says which state of all this somebody has read. It costs a few counts, so whoever remembers the traffic can ask
in the transaction that rests on it whether it still holds.
"""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import sqlalchemy as sa

from pawl.gates.ab_test import AbTest
from pawl.ids import ModelVersion
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.driver_sql import driver_value, run_text
from pawl.ledger.model_versions import champion

__all__ = ["Arm", "Traffic", "TrafficMark", "count_predictions", "read_traffic", "traffic_mark"]

# Moves are only ever added, and a test only ever ends: no change leaves all three as they were.
MARK = (
    "SELECT (SELECT count(*) FROM deployment_log), (SELECT count(*) FROM model_ab_test), "
    "(SELECT count(*) FROM model_ab_test WHERE status = 'running')"
)
COUNT = (
    "UPDATE model_ab_test SET model_a_predictions = model_a_predictions + ?, "
    "model_b_predictions = model_b_predictions + ? WHERE id = ? AND status = 'running'"
)

TrafficMark = tuple[int, int, int]
"""Moves of aliases, tests, and tests that run. Another one wherever another version may have to decide."""

Arm = tuple[UUID, Literal["a", "b"]]
"""A test, and which of its two versions decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """active: the version that serves; None where none does. running: the test of the learner; None without one."""

    active: ModelVersion | None
    running: AbTest | None
    mark: TrafficMark


def read_traffic(tx: sa.Connection, learner: str) -> Traffic:
    """The traffic of a learner, in one state of the ledger."""
    c = ab_tests.c
    row = tx.execute(sa.select(ab_tests).where(c.learner == learner, c.status == "running")).one_or_none()
    # A test that was begun without an end runs until it is stopped.
    running = (
        None
        if row is None
        else AbTest(
            test_id=str(row.id),
            model_a=ModelVersion(row.model_a_version),
            model_b=ModelVersion(row.model_b_version),
            traffic_split=float(row.traffic_split),
            started_at=row.start_date,
            ends_at=row.end_date or row.start_date.replace(year=9999),
        )
    )
    return Traffic(active=champion(tx, learner), running=running, mark=traffic_mark(tx))


def traffic_mark(tx: sa.Connection) -> TrafficMark:
    """The mark of this state of the ledger."""
    row = run_text(tx, MARK, ()).fetchone()
    return tuple(row)


def count_predictions(tx: sa.Connection, arms: list[Arm]) -> None:
    """Add predictions that were made to their arms; a test that was stopped keeps the counts it had."""
    for test_id in sorted({test_id for test_id, _ in arms}):
        n_a, n_b = arms.count((test_id, "a")), arms.count((test_id, "b"))
        run_text(tx, COUNT, (n_a, n_b, driver_value(tx.dialect, ab_tests.c.id, test_id)))
