"""Who decides on a bar now: the version that acts, those that decide in its shadow, and the test that drew them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import NotFoundError
from pawl.gates.ab_test import AbTest, arm_of
from pawl.gates.rollout_state import Rollout
from pawl.gates.routing import SEPARATOR, route
from pawl.ids import ModelVersion
from pawl.ledger.ab_tests import running_test
from pawl.ledger.column_types import utc_text
from pawl.ledger.model_versions import champion
from pawl.ledger.rollouts import StoredRollout, running_rollout

__all__ = ["Decider", "Deciders", "deciders"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """acting: whose signal goes to trading. shadows: who decides beside it, for the record. ab_test_id: of the test
    that drew it; None without one.
    """

    acting: ModelVersion
    shadows: tuple[ModelVersion, ...]
    ab_test_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciders:
    """The routing of a learner as it stands: read once, asked for every bar.

    serving: who holds the alias. rollout, share: of the candidate beside it. test: the one that runs, of these two.
    """

    serving: ModelVersion
    rollout: Rollout | None = None
    share: float = 0.0
    test: AbTest | None = None

    @property
    def versions(self) -> tuple[ModelVersion, ...]:
        """Every version that decides on any bar, the one that serves first."""
        of_rollout = () if self.rollout is None else (self.rollout.champion, self.rollout.candidate)
        of_test = () if self.test is None else (self.test.model_a, self.test.model_b)
        return tuple(dict.fromkeys((self.serving, *of_rollout, *of_test)))

    def of(
        self,
        pair: str,
        timeframe: str,
        bar_timestamp: datetime,
        *,
        user: str | None = None,
        opened_by: ModelVersion | None = None,
    ) -> Decider:
        """Who decides on a bar: the same at every retry.

        user: whose decision it is, where users are told apart; a canary belongs to users, and without one to bars.
        opened_by: the version that opened the position in question, which stays with it.
        """
        acting, test_id = self._drawn(pair, timeframe, bar_timestamp, user)
        acting = opened_by or acting
        shadows = tuple(version for version in self.versions if version != acting)
        return Decider(acting=acting, shadows=shadows, ab_test_id=test_id)

    def _drawn(
        self, pair: str, timeframe: str, bar_timestamp: datetime, user: str | None
    ) -> tuple[ModelVersion, UUID | None]:
        if self.test is not None:
            return arm_of(self.test, pair, timeframe, bar_timestamp.astimezone(UTC)), UUID(self.test.test_id)
        if self.rollout is None or self.serving != self.rollout.champion:
            return self.serving, None
        key = user if user is not None else SEPARATOR.join((pair, timeframe, utc_text(bar_timestamp)))
        return route(self.serving, self.rollout.candidate, self.share, key).acting, None


def deciders(tx: sa.Connection, learner: str, role: str = "policy") -> Deciders:
    """Who decides for a learner now. NotFoundError when nothing is active: there is no signal then.

    A candidate whose champion serves no longer is out of it already, before the tick that says so.
    """
    serving = champion(tx, learner, role)
    if serving is None:
        raise NotFoundError(
            f"no version of `{learner}` is active", where="routing", fix="promote one: pawl promote VERSION"
        )
    stored, test = running_rollout(tx, learner), running_test(tx, learner)
    if test is not None and test.model_a != serving:
        test = None
    if stored is None or not _is_ours(stored, serving):
        return Deciders(serving=serving, test=test)
    return Deciders(serving=serving, rollout=stored.state, share=stored.share, test=test)


def _is_ours(stored: StoredRollout, serving: ModelVersion) -> bool:
    """Whether the version that serves is the one on which the stage counts."""
    return serving == (stored.state.candidate if stored.share == 1.0 else stored.state.champion)
