"""What a move of the alias tells the world, in the transaction in which it happens."""

import sqlalchemy as sa

from pawl.ledger.deployments import Deployment
from pawl.ledger.loop_outbox import announce
from pawl.ledger.loop_payloads import AliasMoved

__all__ = ["announce_move"]


def announce_move(tx: sa.Connection, moved: Deployment) -> None:
    """Say that another version serves, once however often the step is repeated."""
    said = AliasMoved(
        deployment_id=moved.deployment_id,
        learner=moved.learner,
        from_version=moved.from_version,
        to_version=moved.to_version,
        act="promote" if moved.what == "promote" else "rollback",
        by=moved.by,
        reason=moved.reason,
    )
    announce(tx, said, moved.at)
