"""What a rollout tells the world, in the transaction in which it happens."""

import sqlalchemy as sa

from pawl.ledger.deployments import Deployment
from pawl.ledger.rollouts import StoredRollout

__all__ = ["announce_breach", "announce_move"]


def announce_move(tx: sa.Connection, moved: Deployment) -> None:
    """The alias moved."""


def announce_breach(tx: sa.Connection, stored: StoredRollout, at: object) -> None:
    """A guard-rail was passed."""
