"""What stands in a workspace: which version of each learner serves, what waits, which replays there are."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from pawl.ids import ModelVersion
from pawl.jobs.ledger_place import LedgerPlace
from pawl.jobs.ledgers import has_ledger, ledger_of, replay_ledgers
from pawl.ledger.deployments import list_deployments, preceding
from pawl.ledger.model_versions import StoredVersion, list_versions
from pawl.ledger.replay_log import ReplayState, replay_states
from pawl.ledger.train_jobs import count_jobs

__all__ = ["LearnerState", "Overview", "overview"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerState:
    """A learner and role. champion: what serves, since when; before: what a rollback would bring back. newest: the
    highest version, with its verdict (pass, fail, or None where it was never judged). by_status: counts.
    """

    learner: str
    role: str
    champion: ModelVersion | None
    since: datetime | None
    before: ModelVersion | None
    newest: ModelVersion
    newest_verdict: str | None
    by_status: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """jobs: state → count of training jobs. replays: name → its state."""

    learners: tuple[LearnerState, ...]
    jobs: Mapping[str, int]
    replays: Mapping[str, ReplayState]


def overview(place: LedgerPlace) -> Overview:
    """Look at a workspace; nothing is made in an empty one."""
    learners: tuple[LearnerState, ...] = ()
    jobs: Mapping[str, int] = {}
    if has_ledger(place):
        with closing(ledger_of(place)) as ledger, ledger.reading() as tx:
            learners, jobs = _learners(tx), count_jobs(tx)
    replays: dict[str, ReplayState] = {}
    for name, of_replay in replay_ledgers(place.home).items():
        with of_replay.reading() as tx:
            states = replay_states(tx)
        if states:
            replays[name] = states[-1]
    return Overview(learners=learners, jobs=jobs, replays=replays)


def _learners(tx: sa.Connection) -> tuple[LearnerState, ...]:
    by_learner: dict[tuple[str, str], list[StoredVersion]] = {}
    for one in list_versions(tx):
        by_learner.setdefault((one.learner, one.role), []).append(one)
    return tuple(_learner(tx, versions) for versions in by_learner.values())


def _learner(tx: sa.Connection, versions: list[StoredVersion]) -> LearnerState:
    newest = versions[-1]
    serving = next((one.version for one in versions if one.is_active), None)
    moves = list_deployments(tx, newest.learner, newest.role)
    return LearnerState(
        learner=newest.learner,
        role=newest.role,
        champion=serving,
        since=moves[-1].at if moves else None,
        before=preceding(tx, newest.learner, newest.role),
        newest=newest.version,
        newest_verdict=newest.verdict,
        by_status=dict(Counter(one.status for one in versions)),
    )
