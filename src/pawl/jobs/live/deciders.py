"""Who decides on a bar: the version whose answer counts, and those that answer beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import NotFoundError
from pawl.ids import ModelVersion
from pawl.ledger.model_versions import champion

__all__ = ["ActiveDecides", "Chosen", "Decider", "DecidersOf", "active_decides"]


class Decider(Protocol):
    """acting: whose answer is acted on. shadows: who answers beside it. ab_test_id: of the test that chose."""

    @property
    def acting(self) -> ModelVersion: ...
    @property
    def shadows(self) -> tuple[ModelVersion, ...]: ...
    @property
    def ab_test_id(self) -> UUID | None: ...


class Deciders(Protocol):
    """The choice for every bar, at one state of the ledger."""

    def of(self, pair: str, timeframe: str, bar_timestamp: datetime) -> Decider:
        """Who decides on a bar: the same whenever it is asked for the same bar."""
        ...


DecidersOf = Callable[[sa.Connection, str], Deciders]
"""From a state of the ledger and a learner to who decides; NotFoundError where no version is active."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A decider."""

    acting: ModelVersion
    shadows: tuple[ModelVersion, ...] = ()
    ab_test_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveDecides:
    """The active version decides on everything.

    >>> ActiveDecides(version=ModelVersion("m002-1.0")).of("BTCUSDT", "1d", datetime(2026, 1, 1)).shadows
    ()
    """

    version: ModelVersion

    def of(self, pair: str, timeframe: str, bar_timestamp: datetime) -> Chosen:
        """The active version, whatever the bar."""
        del pair, timeframe, bar_timestamp
        return Chosen(acting=self.version)


def active_decides(tx: sa.Connection, learner: str) -> ActiveDecides:
    """Without a rollout or a test the active version decides; NotFoundError where none is active."""
    version = champion(tx, learner)
    if version is None:
        raise NotFoundError(
            f"no version of `{learner}` is active",
            where="signals",
            fix=f"let one serve: pawl train {learner}, then pawl promote",
        )
    return ActiveDecides(version=version)
