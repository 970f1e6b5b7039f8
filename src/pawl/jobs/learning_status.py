"""What Passport shows one user of the learning: its share in it, what became better, its own weaknesses, the gap."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from pawl.datasets.own_samples import OwnSamples
from pawl.datasets.passport_settings import PassportSettings
from pawl.evaluation.behaviour import Behaviour, Change, Occurrence, PnlGap, WeekRate, measure_behaviour, week_start
from pawl.evaluation.behaviour_patterns import PATTERNS, PatternLimits
from pawl.evaluation.behaviour_settings import BehaviourSettings
from pawl.evaluation.confidence_band import ConfidenceBand, confidence_band
from pawl.ledger.behaviour_rows import read_behaviour
from pawl.ledger.evidence import events_of
from pawl.ledger.learning_record import (
    Improvement,
    Run,
    ScheduledRun,
    ServingVersion,
    datasets_since,
    improvement_of,
    newest_runs,
    open_runs,
    scheduled_runs,
    serving_versions,
    trained_datasets,
)

__all__ = [
    "Contribution",
    "Evidence",
    "LearningStatus",
    "PassportRules",
    "Runs",
    "Weakness",
    "contribution_of",
    "learning_status",
    "measured_behaviour",
]

SHOWN_OCCURRENCES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PassportRules:
    """What Passport judges by. schedules: what trainings and datasets run by themselves → how often."""

    behaviour: BehaviourSettings
    passport: PassportSettings
    schedules: Mapping[str, timedelta] = field(default_factory=dict)

    @property
    def limits(self) -> PatternLimits:
        """As the patterns take them."""
        return PatternLimits(behaviour=self.behaviour, risk=self.passport.limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """The user's samples in the dataset versions cut since Monday, UTC.

    n_samples: from the user's decisions; n_all_samples: of everybody; share: one of the other, None where nothing was
    cut. n_trained_samples: those in versions that a training reads or has read. n_unknown_datasets: versions whose rows
    are not at hand; they count in none of these. Of one decision in several versions each sample counts.
    """

    week: datetime
    n_datasets: int
    n_samples: int
    n_all_samples: int
    share: float | None
    n_trained_samples: int
    n_unknown_datasets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One occurrence: when, and the trajectories and events that show it."""

    at: datetime
    trajectory_ids: tuple[str, ...]
    event_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakness:
    """One pattern of the user's. Every figure is a fraction of its occasions unless its name says bps.

    verdict: shown, kept, unclear or too_few. weeks: oldest first. evidence: its newest occurrences.
    """

    pattern: str
    meaning: str
    occasion: str
    verdict: str
    n_exposures: int
    n_occurrences: int
    rate: float | None
    rate_low: float
    rate_high: float
    base_rate: float
    pnl_gap: PnlGap
    change: Change
    weeks: tuple[WeekRate, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """last: the training that finished last, by learner, role and type. next: those that wait or run. scheduled: what
    will be due.
    """

    last: tuple[Run, ...]
    next: tuple[Run, ...]
    scheduled: tuple[ScheduledRun, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningStatus:
    """The four items, and what serves and runs. since: from when on weaknesses and confidence are read."""

    as_of: datetime
    since: datetime
    contribution: Contribution
    improvements: tuple[Improvement, ...]
    weaknesses: tuple[Weakness, ...]
    confidence: ConfidenceBand
    serving: tuple[ServingVersion, ...]
    runs: Runs


def learning_status(
    tx: sa.Connection, user_id: UUID, rules: PassportRules, samples: OwnSamples, now: datetime
) -> LearningStatus:
    """All of it for one user, from one state of the ledger."""
    since = week_start(now, rules.behaviour.weeks - 1)
    behaviours, confidence = measured_behaviour(tx, user_id, rules, (since, now))
    serving = serving_versions(tx)
    improvements = (improvement_of(tx, version) for version in serving)
    return LearningStatus(
        as_of=now,
        since=since,
        contribution=contribution_of(tx, user_id, samples, now),
        improvements=tuple(one for one in improvements if one is not None),
        weaknesses=_weaknesses(tx, user_id, behaviours),
        confidence=confidence,
        serving=serving,
        runs=Runs(last=newest_runs(tx), next=open_runs(tx), scheduled=scheduled_runs(tx, rules.schedules)),
    )


def measured_behaviour(
    tx: sa.Connection, user_id: UUID, rules: PassportRules, window: tuple[datetime, datetime]
) -> tuple[tuple[Behaviour, ...], ConfidenceBand]:
    """Patterns and confidence of one user in a window.

    A decision may end, or become a trade, long after it was taken: decisions of one window length before are read too.
    """
    since, until = window
    rows = read_behaviour(tx, user_id, since - (until - since), rules.passport.utility.neutral_band_bps)
    return measure_behaviour(rows, rules.limits, since, until), confidence_band(rows, since, until)


def contribution_of(tx: sa.Connection, user_id: UUID, samples: OwnSamples, now: datetime) -> Contribution:
    """The user's share in the dataset versions of this week."""
    week = week_start(now)
    cut = datasets_since(tx, week, now)
    trained = trained_datasets(tx, week)
    counted = [(one, samples.count(tx, one, user_id)) for one in cut]
    known = [(one, n) for one, n in counted if n is not None]
    n_samples, n_all = sum(n for _, n in known), sum(one.sample_count for one, _ in known)
    return Contribution(
        week=week,
        n_datasets=len(cut),
        n_samples=n_samples,
        n_all_samples=n_all,
        share=n_samples / n_all if n_all else None,
        n_trained_samples=sum(n for one, n in known if one.dataset_version_id in trained),
        n_unknown_datasets=len(counted) - len(known),
    )


def _weaknesses(tx: sa.Connection, user_id: UUID, behaviours: tuple[Behaviour, ...]) -> tuple[Weakness, ...]:
    shown = {one.pattern: one.occurrences[:SHOWN_OCCURRENCES] for one in behaviours}
    named = (name for occurrences in shown.values() for one in occurrences for name in one.trajectory_ids)
    links = events_of(tx, user_id, named)
    return tuple(
        Weakness(
            pattern=one.pattern,
            meaning=PATTERNS[one.pattern].meaning,
            occasion=PATTERNS[one.pattern].occasion,
            verdict=one.verdict.value,
            n_exposures=one.n_exposures,
            n_occurrences=one.n_occurrences,
            rate=one.rate,
            rate_low=one.rate_low,
            rate_high=one.rate_high,
            base_rate=one.base_rate,
            pnl_gap=one.pnl_gap,
            change=one.change,
            weeks=one.weeks,
            evidence=tuple(_evidence(occurrence, links) for occurrence in shown[one.pattern]),
        )
        for one in behaviours
    )


def _evidence(occurrence: Occurrence, links: Mapping[str, tuple[str, ...]]) -> Evidence:
    return Evidence(
        at=occurrence.at,
        trajectory_ids=occurrence.trajectory_ids,
        event_ids=tuple(event for name in occurrence.trajectory_ids for event in links.get(name, ())),
    )
