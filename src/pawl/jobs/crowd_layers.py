"""What becomes of a crowd's events: trajectories, datasets, and the weaknesses that Passport sees in each persona."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import sqlalchemy as sa

from pawl.datasets.lake_feed import feed_lake
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectories import fold_events, pending_events
from pawl.datasets.versions import BuiltDataset, DatasetRequest, build_dataset
from pawl.errors import PawlError, QualityError, RefusalError
from pawl.evaluation.behaviour import PatternVerdict, week_start
from pawl.jobs.crowd_user import user_id_of
from pawl.jobs.learning_status import PassportRules, measured_behaviour
from pawl.lake.event_lake import EventLake
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import decision_trajectories
from pawl.ledger.event_tables import event_outbox
from pawl.policy.personas import PERSONAS, persona_of

__all__ = ["DATASETS", "Findings", "Layers", "Stopwatch", "Wanted", "build_layers", "find_weaknesses", "fold_all"]

DATASETS = ("pretrain", "sft", "orpo")
EVENTS_AT_ONCE = 2_000
SETTLED_AFTER = timedelta(hours=1)


@dataclass(slots=True)
class Stopwatch:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block."""
        began = perf_counter()
        yield
        self.seconds[name] = perf_counter() - began


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Rows of each layer. n_lake_records: events, and the rows they tell of, in the event lake. labels: trajectories by
    label. datasets: by type; an error where none could be built.
    """

    n_events: int
    n_lake_records: int
    n_trajectories: int
    labels: Mapping[str, int]
    datasets: Mapping[str, BuiltDataset | QualityError]

    def n_samples(self, dataset_type: str) -> int:
        """Of a dataset version; 0 where none was built."""
        built = self.datasets[dataset_type]
        return built.sample_count if isinstance(built, BuiltDataset) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How to fold, and the dataset versions to build, one of each type."""

    settings: PassportSettings
    requests: Sequence[DatasetRequest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Of one persona: its users, and in how many of them each pattern was shown."""

    persona: str
    weakness: str | None
    n_users: int
    n_shown: Mapping[str, int]


def fold_all(
    ledger: Ledger, lake: EventLake, settings: PassportSettings, now: datetime, progress: Callable[[float], None]
) -> int:
    """Put every event that waits into the lake, then fold it, as the trajectory-worker does; how many records the lake
    gained. RefusalError for an event that cannot be told.
    """
    n_folded, n_records, n_all = 0, 0, _count(ledger, event_outbox)
    while True:
        with ledger.transaction() as tx:
            waiting = pending_events(tx, now, EVENTS_AT_ONCE)
            if not waiting:
                return n_records
            n_records += feed_lake(tx, lake, waiting)
            folded = fold_events(tx, waiting, settings, now)
        if len(folded.processed) < len(waiting):
            raise _stuck(folded.failed, len(folded.waiting))
        n_folded += len(folded.processed)
        progress(n_folded / n_all)


def build_layers(
    ledger: Ledger, home: Path, wanted: Wanted, now: datetime, watch: Stopwatch, progress: Callable[[float], None]
) -> Layers:
    """Fold every event, build the dataset versions asked for, and count every layer."""
    with watch.stage("fold"):
        n_records = fold_all(ledger, EventLake(home), wanted.settings, now, progress)
    datasets: dict[str, BuiltDataset | QualityError] = {}
    for request in wanted.requests:
        with watch.stage(request.dataset_type):
            try:
                datasets[request.dataset_type] = build_dataset(ledger, home, request, now + SETTLED_AFTER)
            except QualityError as error:  # too few decisions for a sound set, which a small crowd has
                datasets[request.dataset_type] = error
    c = decision_trajectories.c
    with ledger.reading() as tx:
        labels = tx.execute(sa.select(c.label_quality, sa.func.count()).group_by(c.label_quality))
        by_label = {str(name): int(n) for name, n in labels}
    return Layers(
        n_events=_count(ledger, event_outbox),
        n_lake_records=n_records,
        n_trajectories=_count(ledger, decision_trajectories),
        labels=dict(sorted(by_label.items())),
        datasets=datasets,
    )


def find_weaknesses(
    ledger: Ledger, seed: int, n_users: int, rules: PassportRules, now: datetime
) -> tuple[Findings, ...]:
    """What Passport shows each user of a crowd, added up by persona, in the order of PERSONAS."""
    shown: dict[str, Counter[str]] = {name: Counter() for name in PERSONAS}
    n_by_persona = Counter(persona_of(number).name for number in range(n_users))
    window = (week_start(now, rules.behaviour.weeks - 1), now)
    for number in range(n_users):
        with ledger.reading() as tx:
            behaviours, _ = measured_behaviour(tx, user_id_of(seed, number), rules, window)
        shown[persona_of(number).name].update(one.pattern for one in behaviours if one.verdict is PatternVerdict.SHOWN)
    return tuple(
        Findings(
            persona=name,
            weakness=PERSONAS[name].weakness,
            n_users=n_by_persona[name],
            n_shown=dict(sorted(shown[name].items())),
        )
        for name in PERSONAS
    )


def _count(ledger: Ledger, table: sa.Table) -> int:
    with ledger.reading() as tx:
        return int(tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _stuck(failed: Mapping[Any, PawlError], n_waiting: int) -> RefusalError:
    why = next((str(error) for error in failed.values()), f"{n_waiting} wait for what never came")
    return RefusalError(f"events cannot be folded: {why}", where="outbox", fix="this is a fault: report it")
