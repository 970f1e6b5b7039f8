"""The rest of a live loop as its trainings see it: its ledger, and what its other parts decide."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from pawl.gates.policy_gate import GateSettings
from pawl.ids import ModelVersion
from pawl.jobs.live.daily_update import BY as DAILY
from pawl.jobs.live.full_training import BY as FULL
from pawl.jobs.live.training_world import Surroundings, ask_nobody, say_nothing
from pawl.learners.reversal_daily import OUTCOME_SCHEMA
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.deployments import Deployment
from pawl.ledger.live_log import LiveEntry, live_entries, log_live, n_trainings
from pawl.ledger.signals import signal_frame

__all__ = [
    "TRAINING",
    "TRAININGS",
    "TrainingCounts",
    "has_running_test",
    "outcomes_between",
    "surroundings_of",
    "training_counts",
]

TRAINING = "training"
"""Kind of the lines of the live log that say what came of a training."""

TRAININGS = (DAILY, FULL)
"""Names of the lines that trainings write of themselves; the cycle that asked for one writes another."""


def surroundings_of(
    learner: str,
    gate: GateSettings,
    is_paused: Callable[[sa.Connection, str, datetime], bool],
    begin_rollout: Callable[[ModelVersion, datetime], object],
    announce_move: Callable[[sa.Connection, Deployment], None] = say_nothing,
    take_turn: Callable[[], None] = ask_nobody,
) -> Surroundings:
    """What a training asks of a loop whose signals, tests and log stand in the ledger."""

    def begin(candidate: ModelVersion, at: datetime) -> None:
        begin_rollout(candidate, at)

    def note(tx: sa.Connection, kind: str, name: str, payload: Mapping[str, Any], at: datetime) -> None:
        # A run that was skipped may be asked for again at its instant, and then gives a version: another line.
        key = str(payload.get("version") or "")
        log_live(tx, [LiveEntry(learner=learner, at=at, kind=kind, name=name, payload=payload, key=key)])

    return Surroundings(
        outcomes=outcomes_between,
        has_running_test=has_running_test,
        is_paused=is_paused,
        begin_rollout=begin,
        note=note,
        gate=gate,
        announce_move=announce_move,
        take_turn=take_turn,
    )


def outcomes_between(tx: sa.Connection, learner: str, after: datetime, until: datetime) -> pl.DataFrame:
    """OUTCOME_SCHEMA: signals that got their outcome after one instant and not after another."""
    found = signal_frame(tx, learner, after, until, by="resolved_at")
    return found.select(
        ticker="pair", ts="bar_timestamp", actual_outcome="actual_outcome", updated_at="resolved_at"
    ).match_to_schema(OUTCOME_SCHEMA)


def has_running_test(tx: sa.Connection, learner: str) -> bool:
    """Whether an A/B test of a learner runs."""
    c = ab_tests.c
    running = sa.select(sa.exists().where(c.learner == learner, c.status == "running"))
    return bool(tx.execute(running).scalar_one())


def training_counts(tx: sa.Connection, learner: str) -> dict[str, int]:
    """What came of the trainings of a live loop so far, for whoever shows it: a skipped day is no failure, and is seen.
    Counted are the lines of the trainings themselves, not those of the cycles that found nothing to train.

    daily_skipped, daily_deployed, daily_kept (passed, and yet not deployed), daily_refused, full_passed, full_refused,
    full_skipped.
    """
    counts = dict.fromkeys(
        (
            "daily_skipped",
            "daily_deployed",
            "daily_kept",
            "daily_refused",
            "full_passed",
            "full_refused",
            "full_skipped",
        ),
        0,
    )
    for entry in live_entries(tx, learner, TRAINING, TRAININGS):
        payload, kind = entry.payload, "daily" if entry.name == DAILY else "full"
        if "verdict" not in payload:
            what = "skipped"
        elif payload["verdict"] == "fail":
            what = "refused"
        elif kind == "full":
            what = "passed"
        else:
            what = "deployed" if payload["is_deployed"] else "kept"
        counts[f"{kind}_{what}"] += 1
    return counts


class TrainingCounts:
    """`training_counts` of one learner for whoever asks again and again: the lines are read when one was added."""

    def __init__(self) -> None:
        self._known: tuple[int, dict[str, int]] | None = None

    def now(self, tx: sa.Connection, learner: str) -> dict[str, int]:
        """As they stand. Threads may ask at once: what one has found is whole."""
        n, known = n_trainings(tx, learner), self._known
        if known is None or known[0] != n:
            known = self._known = (n, training_counts(tx, learner))
        return known[1]
