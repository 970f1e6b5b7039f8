"""Marks of the traffic: which state of aliases, A/B tests and rollouts somebody has read.

A mark costs a few counts, so whoever remembers who decides can ask in the transaction that rests on it whether that
still holds.
"""

from typing import Literal
from uuid import UUID

import sqlalchemy as sa

from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.driver_sql import driver_value, run_text

__all__ = ["Arm", "TrafficMark", "count_predictions", "traffic_mark"]

# Moves and steps are only ever added, and a test or a rollout only ever ends: no change leaves all of it as it was. The
# shares stand there too, for a share is what routes, whether or not whoever changed it wrote his step down.
MARK = (
    "SELECT (SELECT count(*) FROM deployment_log), (SELECT count(*) FROM model_ab_test), "
    "(SELECT count(*) FROM model_ab_test WHERE status = 'running'), (SELECT count(*) FROM rollout_moves), "
    "(SELECT count(*) FROM rollouts), (SELECT count(*) FROM rollouts WHERE status = 'running'), "
    "(SELECT coalesce(sum(share), 0.0) FROM rollouts WHERE status = 'running')"
)
COUNT = (
    "UPDATE model_ab_test SET model_a_predictions = model_a_predictions + ?, "
    "model_b_predictions = model_b_predictions + ? WHERE id = ? AND status = 'running'"
)

TrafficMark = tuple[float, ...]
"""Moves of aliases, tests, and those that run; steps of rollouts, rollouts, those that run, and their shares. Another
one wherever another version may have to decide."""

Arm = tuple[UUID, Literal["a", "b"]]
"""A test, and which of its two versions decided."""


def traffic_mark(tx: sa.Connection) -> TrafficMark:
    """The mark of this state of the ledger."""
    row = run_text(tx, MARK, ()).fetchone()
    return tuple(row)


def count_predictions(tx: sa.Connection, arms: list[Arm]) -> None:
    """Add predictions that were made to their arms; a test that was stopped keeps the counts it had."""
    for test_id in sorted({test_id for test_id, _ in arms}):
        n_a, n_b = arms.count((test_id, "a")), arms.count((test_id, "b"))
        run_text(tx, COUNT, (n_a, n_b, driver_value(tx.dialect, ab_tests.c.id, test_id)))
