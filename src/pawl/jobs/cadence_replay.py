"""A replay by the calendar of `reversal`: daily updates, weekly trainings with their A/B tests, monthly selection.

The trainings are those of the live loop, driven by a virtual clock, on a ledger of the replay's own. Three policies run
side by side: `gated` is the loop as it is meant; `always` lets every weekly version and every daily update of its own
serve at once, unasked; `frozen` keeps the first version.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from pawl.evaluation.costs import Costs
from pawl.gates.ab_test import AbSettings, AbTest, Winner, decide
from pawl.gates.policy_gate import GateSettings
from pawl.ids import DatasetHash, ModelVersion
from pawl.jobs.cadence_journal import Journal
from pawl.jobs.cadence_market import Segment, arm_counts, outcomes_of, routed, said_in
from pawl.jobs.cadence_plan import Event
from pawl.jobs.live.daily_update import update_daily_version
from pawl.jobs.live.full_training import ON_SCHEDULE, train_full
from pawl.jobs.live.training_world import Surroundings, TrainingWorld
from pawl.jobs.loaded_models import LoadedModels
from pawl.jobs.workspace import Workspace
from pawl.learners.reversal import LOOK_BACK, Reversal
from pawl.learners.reversal_daily import OUTCOME_SCHEMA, READ_SCHEMA, DailyOrder, DailyUpdate, update_daily
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import Move, promote
from pawl.ledger.evaluations import newest_report
from pawl.ledger.identity import identity
from pawl.ledger.model_versions import champion
from pawl.ledger.trigger_firings import BY_HAND
from pawl.market.limits import QualityLimits
from pawl.models.reversal_model import ReversalNet

__all__ = ["CadenceOrder", "CadenceRun", "ReplayTrainingWorld", "play_cadence"]

AB_DAYS = timedelta(days=7)
SPLIT = 0.5

SelectMonthly = Callable[[TrainingWorld, datetime], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayTrainingWorld:
    """A TrainingWorld of a replay: the workspace has a ledger of its own."""

    workspace: Workspace
    learner: Reversal
    tickers: tuple[str, ...]
    costs: Costs
    limits: QualityLimits
    seed: int
    n_jobs: int

    @property
    def ledger(self) -> Ledger:
        """The replay's own."""
        return self.workspace.versions.ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class CadenceOrder:
    """start, end: in virtual time. events: all that is due between them. select_monthly: None leaves months out.

    proved_on: hash of bars with a proof that covers these. on_event: told of each as it is done.
    """

    start: datetime
    end: datetime
    events: tuple[Event, ...]
    gate: GateSettings
    ab_test: AbSettings
    proved_on: DatasetHash
    select_monthly: SelectMonthly | None = None
    on_event: Callable[[Event, Mapping[str, Any]], None] = lambda event, told: None


@dataclass(slots=True)
class CadenceRun:
    """What has happened so far. said: policy → what was said of each bar, by whom. told: of each event, by its key."""

    said: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: {"gated": [], "always": [], "frozen": []})
    told: dict[str, Mapping[str, Any]] = field(default_factory=dict)


def play_cadence(world: ReplayTrainingWorld, order: CadenceOrder, bars: pl.DataFrame, journal: Journal) -> CadenceRun:
    """Drive the loop from `order.start` to `order.end`. bars: silver bars up to the end. What stands in the journal is
    not done again.
    """
    return _Player(world, order, bars, journal).play()


class _Player:
    """The state between two events."""

    def __init__(self, world: ReplayTrainingWorld, order: CadenceOrder, bars: pl.DataFrame, journal: Journal) -> None:
        self.world, self.order, self.bars, self.journal = world, order, bars, journal
        self.run = CadenceRun()
        self.outcomes = outcomes_of(bars)
        self.models = LoadedModels(world.workspace, world.learner)
        self.test: AbTest | None = None
        self.begun: ModelVersion | None = None
        self.gated = self.frozen = ModelVersion("")
        self.always: tuple[str, Any] = ("", None)
        self.around = Surroundings(
            # Without real trades an outcome is known no later than the label of its bar, so it adds no row.
            outcomes=lambda tx, learner, after, until: pl.DataFrame(schema=OUTCOME_SCHEMA),
            has_running_test=lambda tx, learner: self.test is not None,
            is_paused=lambda tx, learner, at: False,
            begin_rollout=self._begin_test,
            note=lambda tx, kind, name, payload, at: None,
            gate=order.gate,
            proved_on=order.proved_on,
        )

    def play(self) -> CadenceRun:
        first = self._do(Event(self.order.start, 0, "first"), lambda at: self._full(at, BY_HAND))
        self.gated = self.frozen = ModelVersion(first["version"])
        self.always = (self.gated, self._model(self.gated))
        before = self.order.start
        for event in self.order.events:
            self._decide(Segment(before, event.at))
            before = event.at
            if event.kind == "daily":
                self._do(event, self._daily)
            elif event.kind == "weekly":
                self._do(event, self._weekly)
            elif self.order.select_monthly is not None:
                self._do(event, self._monthly)
            self._take_up(event)
        self._decide(Segment(before, self.order.end))
        return self.run

    def _do(self, event: Event, work: Callable[[datetime], Mapping[str, Any]]) -> Mapping[str, Any]:
        told = self.journal.once(event.key, lambda: work(event.at))
        self.run.told[event.key] = told
        self.order.on_event(event, told)
        return told

    def _take_up(self, event: Event) -> None:
        """The state after an event, from what is written down of it alone: a replay that goes on ends up the same."""
        told = self.run.told.get(event.key)
        if told is None:
            return
        if "serving" in told:
            self.gated = ModelVersion(told["serving"])
        if event.kind == "weekly":
            self.test = None
            if told["test"] is not None:
                self.test = self._test_of(ModelVersion(told["test"]), event.at)
            if told["version"] is not None:
                self.always = (told["version"], self._model(ModelVersion(told["version"])))
        if event.kind == "daily" and told["always"] is not None:
            learner = self.world.learner
            files = self.world.workspace.artifacts.load(told["always"])
            self.always = (f"{self.always[0].split('-daily-')[0]}-daily-{event.at:%Y%m%d}", learner.load(files))
        arms = () if self.test is None else (self.test.model_a, self.test.model_b)
        self.models.keep_only({self.gated, self.frozen, *arms})

    def _full(self, at: datetime, cause: str) -> dict[str, Any]:
        return train_full(self.world, self.around, at, cause).told()

    def _weekly(self, at: datetime) -> dict[str, Any]:
        decided = self._decide_test(at)
        self.test = None
        self.begun = None
        run = train_full(self.world, self.around, at, ON_SCHEDULE)
        return {**run.told(), "decided": decided, "test": self.begun, "serving": self._serving()}

    def _begin_test(self, candidate: ModelVersion, at: datetime) -> None:
        self.begun = candidate

    def _test_of(self, candidate: ModelVersion, at: datetime) -> AbTest:
        return AbTest(
            test_id=str(identity("ab_test", self.gated, candidate, at.isoformat())),
            model_a=self.gated,
            model_b=candidate,
            traffic_split=SPLIT,
            started_at=at,
            ends_at=at + AB_DAYS,
        )

    def _decide_test(self, at: datetime) -> dict[str, Any] | None:
        """The verdict of the A/B test that ends now, and the move that it allows."""
        test = self.test
        if test is None:
            return None
        a, b = arm_counts(self.run.said["gated"], self.outcomes, test)
        result = decide(test, a, b, self.order.ab_test, at)
        if result.winner is Winner.MODEL_B and self._serving() != test.model_b:
            with self.world.ledger.transaction() as tx:
                report = newest_report(tx, test.model_b)
                assert report is not None
                promote(tx, test.model_b, report.eval_id, Move(by="A/B test", reason=result.reason, at=at))
        return {
            "model_a": test.model_a,
            "model_b": test.model_b,
            "wins_a": a.n_wins,
            "resolved_a": a.n_resolved,
            "wins_b": b.n_wins,
            "resolved_b": b.n_resolved,
            "p_value": result.p_value,
            "winner": str(result.winner),
        }

    def _daily(self, at: datetime) -> dict[str, Any]:
        told = update_daily_version(self.world, self.around, at).told()
        return {**told, "serving": self._serving(), "always": self._always_update(at)}

    def _always_update(self, at: datetime) -> str | None:
        """Artifact of the update of what the `always` policy serves; None on a day that is skipped."""
        model = self.always[1]
        assert isinstance(model, ReversalNet)
        read = pl.DataFrame(schema=READ_SCHEMA)
        outcomes = pl.DataFrame(schema=OUTCOME_SCHEMA)
        order = DailyOrder(now=at, seed=self.world.seed, outcomes=outcomes, read_before=read, base_read_until=at)
        known = (pl.col("available_at") < at) & (pl.col("ts") >= at - LOOK_BACK - timedelta(days=2))
        done = update_daily(self.world.learner, model, self.bars.filter(known), order)
        if not isinstance(done, DailyUpdate):
            return None
        return self.world.workspace.artifacts.save(self.world.learner.save(done.model))

    def _monthly(self, at: datetime) -> dict[str, Any]:
        assert self.order.select_monthly is not None
        told = self.order.select_monthly(self.world, at)
        return {**told, "serving": self._serving()}

    def _serving(self) -> ModelVersion:
        with self.world.ledger.reading() as tx:
            serving = champion(tx, self.world.learner.spec.name)
        assert serving is not None
        return serving

    def _model(self, version: ModelVersion) -> Any:  # noqa: ANN401 - a model is whatever its learner fits
        return self.models.of(self.world.workspace.versions.get(version))

    def _decide(self, segment: Segment) -> None:
        """What each policy says of the bars of a segment."""
        learner = self.world.learner

        def said(version: str, model: Any) -> pl.DataFrame:  # noqa: ANN401 - as above
            test = None if self.test is None else self.test.test_id
            named = {"version": pl.lit(version, pl.String), "ab_test": pl.lit(test, pl.String)}
            if version not in answers:
                answers[version] = said_in(learner, model, self.bars, segment)
            return answers[version].with_columns(**named)

        answers: dict[str, pl.DataFrame] = {}
        if self.test is None:
            gated = said(self.gated, self._model(self.gated))
        else:
            arms = [said(version, self._model(version)) for version in (self.test.model_a, self.test.model_b)]
            gated = routed(self.test, str(learner.spec.timeframe), (arms[0], arms[1]))
        self.run.said["gated"].append(gated)
        self.run.said["always"].append(said(*self.always))
        self.run.said["frozen"].append(said(self.frozen, self._model(self.frozen)))
