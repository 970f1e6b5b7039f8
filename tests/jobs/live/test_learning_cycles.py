"""The cycles of learning: their calendar and order, and a whole loop of a small reversal over a weekend."""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from live_world import Market, live_world
from pawl.errors import RefusalError
from pawl.events.event_settings import EventSettings
from pawl.events.in_process_bus import InProcessBus
from pawl.gates.policy_gate import GateSettings
from pawl.gates.sequence_config import SequenceSettings
from pawl.ids import ModelVersion
from pawl.jobs.live import learning_cycles as module
from pawl.jobs.live import monthly_report
from pawl.jobs.live.clock import VirtualClock
from pawl.jobs.live.composing import ROLES, Parts, cycles_of, live_cycles
from pawl.jobs.live.cycle import Cycle
from pawl.jobs.live.cycle_runs import CycleRuns, schedule_of
from pawl.jobs.live.driver import Driver, Observed, Rules
from pawl.jobs.live.figures import loop_figures
from pawl.jobs.live.learning_cycles import LearningTerms, calendar_of, learning_cycles
from pawl.jobs.live.lease import Lease
from pawl.jobs.live.live_settings import LiveSettings
from pawl.jobs.live.monthly_settings import MonthlySettings
from pawl.jobs.live.rollout_rules import RolloutRules
from pawl.jobs.live.routing_now import deciders
from pawl.jobs.live.running import LoopEnd, LoopOrder, Running, clock_of, drive, span_of
from pawl.jobs.live.surroundings import training_counts
from pawl.jobs.live.turn import Turn
from pawl.jobs.live.watch import Run
from pawl.jobs.live.world import LiveWorld
from pawl.jobs.verdicts import Terms
from pawl.lake.source import Page
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import list_deployments
from pawl.ledger.live_log import live_entries
from pawl.ledger.loop_tables import loop_outbox
from pawl.ledger.model_versions import champion
from pawl.ledger.rollouts import list_rollouts
from pawl.ledger.schedule_runs import newest_taken
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.training_lock import training_lock
from pawl.ledger.trigger_firings import BY_HAND, NewFiring, is_paused, record_firing
from pawl.market.bars import BAR_COLUMNS, BAR_SCHEMA, Timeframe
from pawl.market.calendars import FX
from pawl.triggers.schedule import SCHEDULES, Every, next_after
from pawl.triggers.trigger_config import TriggerSettings
from reversal_market import fx_bars
from training_world import PAIRS, SUNDAY, SmallWorld, first_world

FRIDAY, MONDAY = datetime(2025, 3, 28, 18, tzinfo=UTC), datetime(2025, 3, 31, 4, tzinfo=UTC)
SUNDAY_1ST = datetime(2025, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST, SECOND = ModelVersion("reversal-3.3"), ModelVersion("reversal-3.4")
NAMES = ("rollouts", "triggers", "trigger_training", "trigger_worth", "daily", "weekly", "monthly")


@dataclass
class Bars:
    """The five weeks of the small market, as a source."""

    name: str = "test"
    frame: pl.DataFrame = field(default_factory=lambda: fx_bars().select(BAR_COLUMNS).cast(BAR_SCHEMA))

    def page(self, ticker: str, timeframe: Timeframe, start: datetime, end: datetime) -> Page:
        """What it has of a ticker."""
        return Page(self.frame.filter(ticker=ticker).filter(pl.col("ts").is_between(start, end, closed="left")), end)


def living(small: SmallWorld) -> LiveWorld:
    """The small world as a live loop."""
    return LiveWorld(
        workspace=small.workspace, learner=small.learner, tickers=PAIRS, source=Bars(), costs=small.costs,
        limits=small.limits, settings=LiveSettings(), seed=7, calendar=FX,
    )  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> LiveWorld:
    """A loop of the small reversal, whose first version serves since the Sunday before."""
    return living(first_world(tmp_path / "home"))


def terms(world: LiveWorld) -> LearningTerms:
    return LearningTerms(
        terms=Terms(costs=world.costs, gate=GateSettings(), seed=7),
        rollout=RolloutRules(is_paused=is_paused),
        # Of the small market nothing but holes may set anything off: what each trigger does is tested beside it.
        triggers=TriggerSettings(min_outcomes=10_000, min_returns=10_000, psi=100.0),
        sequence=SequenceSettings(),
        monthly=MonthlySettings(),
    )


def all_cycles(world: LiveWorld) -> tuple[Cycle, ...]:
    return live_cycles(world, Parts(deciders_of=deciders, extra=learning_cycles(world, terms(world), Turn())))


@dataclass
class Seen(Observed):
    """Remembers every run."""

    runs: list[Run] = field(default_factory=list)

    def ended(self, run: Run) -> None:
        self.runs.append(run)

    def of(self, name: str) -> list[Run]:
        return [run for run in self.runs if run.cycle == name]


def lived(world: LiveWorld, since: datetime, until: datetime, role: str = "all") -> tuple[LoopEnd, Seen]:
    """The loop at `--speed max` from one instant to another, with its relay and a bus that nobody listens to."""
    order = LoopOrder(role=role, speed=None, length=until - since, start=since, now=lambda: MONDAY)
    cycles = cycles_of(role, all_cycles(world))
    span = span_of(world, order)
    seen, settings = Seen(), EventSettings(poll_sec=0.05)
    with InProcessBus(settings.backoff, lambda parked: None, 1000) as bus:
        clock = clock_of(world, cycles, order, span)
        running = Running(clock=clock, span=span, bus=bus, events=settings, observed=seen)
        return drive(world, cycles, order, running, threading.Event()), seen


def announced(world: LiveWorld, topic: str) -> list[dict[str, Any]]:
    c = loop_outbox.c
    with world.ledger.reading() as tx:
        return list(tx.execute(sa.select(c.payload).where(c.topic == topic).order_by(c.number)).scalars())


def pause(world: LiveWorld, at: datetime) -> None:
    """Extreme conditions, which no look of the triggers ends before a day has passed."""
    firing = NewFiring(learner="reversal", kind=BY_HAND, effect="pause", at=at, reason="wild", by="test", key="pause")
    with world.ledger.transaction() as tx:
        record_firing(tx, firing)


def test_reversal_trains_by_its_calendar_and_any_other_learner_as_often_as_it_says(
    world: LiveWorld, sqlite_ledger: Ledger, tmp_path: Path
) -> None:
    assert dict(calendar_of(world)) == {name: SCHEDULES[f"reversal_{name}"] for name in ("daily", "weekly", "monthly")}
    other = live_world(tmp_path, sqlite_ledger, Market())
    assert dict(calendar_of(other)) == {"weekly": Every(timedelta(days=7)), "monthly": SCHEDULES["reversal_monthly"]}
    found = {one.name: one.schedule for one in learning_cycles(other, terms(other), Turn())}
    assert "daily" not in found and found["weekly"] == Every(other.learner.spec.cadence)


def test_they_run_in_their_order_behind_those_that_decide_and_each_has_its_role(world: LiveWorld) -> None:
    cycles = all_cycles(world)
    assert tuple(one.name for one in cycles) == ("positions", "collection", "signals", *NAMES) == ROLES["all"]
    assert cycles_of("worker", cycles) == cycles[3:]
    assert {one.name for one in cycles if one.is_training} == {"trigger_training", "daily", "weekly", "monthly"}
    by_name = {one.name: one for one in cycles}
    assert by_name["rollouts"].after == ("positions", "signals")  # a step counts the outcomes of its own instant


def test_rev_r45_on_a_sunday_the_1st_everything_is_due_and_one_trains_at_a_time(
    world: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REV-R45: monthly at 00:00, weekly at 01:00 and daily at 02:00, each once; found due together after an outage
    they run one after another, also beside the loop.
    """
    ran: list[tuple[str, datetime]] = []
    busy = threading.Lock()

    def run(name: str, at: datetime) -> dict[str, str]:
        assert busy.acquire(blocking=False), "two trainings at a time"
        ran.append((name, at))
        threading.Event().wait(0.05)
        busy.release()
        return {"did": name}

    for name in ("_daily", "_weekly"):
        monkeypatch.setattr(module, name, lambda world, around, at, name=name: run(name, at))
    monkeypatch.setattr(module, "_monthly", lambda world, month, at: run("_monthly", at))
    monkeypatch.setattr(module.MonthRun, "report", lambda month, at: None)
    trainings = tuple(
        one for one in learning_cycles(world, terms(world), Turn()) if one.name in ("daily", "weekly", "monthly")
    )
    due = {one.name: next_after(one.schedule, SUNDAY_1ST - HOUR) for one in trainings}
    assert due == {"monthly": SUNDAY_1ST, "weekly": SUNDAY_1ST + HOUR, "daily": SUNDAY_1ST + 2 * HOUR}
    for beside in (False, True):
        rules = Rules(learner=f"r45 {beside}", beside=beside, gap=HOUR)
        clock = VirtualClock(SUNDAY_1ST + 5 * HOUR)
        with Lease(world.ledger, world.workspace.home, f"r45 {beside}") as lease:
            driver = Driver(world.ledger, lease, trainings, clock, rules, Observed())
            driver.run(SUNDAY_1ST - HOUR, SUNDAY_1ST + 6 * HOUR, threading.Event())
        assert ran == [("_monthly", due["monthly"]), ("_weekly", due["weekly"]), ("_daily", due["daily"])]
        ran.clear()


def test_the_monthly_run_holds_the_training_lock(world: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def select(*_: object) -> dict[str, bool]:
        free: list[bool] = []

        def try_it() -> None:
            with training_lock(world.ledger):
                free.append(True)

        other = threading.Thread(target=try_it, daemon=True)
        other.start()
        other.join(0.3)
        return {"is_free": bool(free)}

    monkeypatch.setattr(module.MonthRun, "select", select)
    monthly = next(one for one in learning_cycles(world, terms(world), Turn()) if one.name == "monthly")
    assert monthly.run(SUNDAY_1ST) == {"is_free": False}


def test_cycles_go_on_while_the_monthly_report_is_drawn(world: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes seconds, and nothing that the loop decides by comes of it."""
    turn, clock = Turn(), VirtualClock(SUNDAY_1ST)
    runs = CycleRuns(world.ledger, "reversal", clock, turn)
    monthly = next(one for one in learning_cycles(world, terms(world), turn) if one.name == "monthly")
    minute = Cycle(name="positions", schedule=Every(timedelta(minutes=1)), run=lambda at: {"resolved": 0})
    drawing, went_on = threading.Event(), threading.Event()
    render = monthly_report.render_files

    def slowly(*how: Any) -> None:
        drawing.set()
        assert went_on.wait(30), "no cycle ran while the report was drawn"
        render(*how)

    monkeypatch.setattr(monthly_report, "render_files", slowly)
    told: list[Any] = []
    beside = threading.Thread(target=lambda: told.append(runs.made(monthly, SUNDAY_1ST)), daemon=True)
    beside.start()
    assert drawing.wait(60)
    runs.made(minute, SUNDAY_1ST + timedelta(minutes=1))
    went_on.set()
    beside.join(60)
    ((found, error),) = told
    assert error is None and all(Path(found["report"][name]).exists() for name in ("markdown", "html"))
    with world.ledger.reading() as tx:
        (entry,) = live_entries(tx, "reversal", "training", ("monthly",))
        taken = newest_taken(tx, [schedule_of("reversal", "monthly")])
    assert entry.payload["report"] == found["report"] and entry.payload["took_effect_behind"]["cycle"] == ""
    assert taken == {schedule_of("reversal", "monthly"): SUNDAY_1ST}
    assert len(announced(world, "report_ready")) == 1


@pytest.fixture(scope="module")
def weekend(tmp_path_factory: pytest.TempPathFactory) -> tuple[LiveWorld, LoopEnd, Seen]:
    """From Friday evening to Monday at four, undisturbed: one weekly training."""
    made = living(first_world(tmp_path_factory.mktemp("weekend") / "home"))
    return made, *lived(made, FRIDAY, MONDAY)


def test_rev_r26_a_weekend_of_the_whole_loop_trains_once_and_begins_a_test_that_goes_on(
    weekend: tuple[LiveWorld, LoopEnd, Seen],
) -> None:
    """REV-R26, REV-R46: the weekly version begins its A/B test on Sunday at one, `rollouts` then ticks it every hour,
    what serves goes on serving, and the training is announced once.
    """
    world, end, seen = weekend
    assert [run.error for run in seen.runs if run.error] == [] and end.is_over
    (weekly,) = seen.of("weekly")
    assert (weekly.at, weekly.told["version"], weekly.told["verdict"], weekly.told["kept"]) == (
        SUNDAY, SECOND, "pass", None
    )  # fmt: skip
    with world.ledger.reading() as tx:
        (rollout,) = list_rollouts(tx)
        assert champion(tx, "reversal") == FIRST
        counts = training_counts(tx, "reversal")
    assert (rollout.state.candidate, rollout.state.champion, rollout.started_at) == (SECOND, FIRST, SUNDAY)
    ticks = [run.at for run in seen.of("rollouts") if run.told.get("candidate") == SECOND]
    # The candidate takes its step before a new one is trained, so the first tick is an hour later.
    assert ticks == [SUNDAY + n * HOUR for n in range(1, (MONDAY - SUNDAY) // HOUR + 1)]
    told = [one for one in announced(world, "training_completed") if one["model_version"] == SECOND]
    assert [(one["training_type"], one["status"]) for one in told] == [("full", "succeeded")]
    assert told[0]["figures"]["f1_score"] is not None
    n_days = len(seen.of("daily"))
    assert n_days == 3
    assert counts["full_passed"] == 2 - 1 and sum(n for name, n in counts.items() if name.startswith("daily")) == n_days


def test_rev_r28_after_the_weekend_both_arms_decide_and_outcomes_are_counted(
    weekend: tuple[LiveWorld, LoopEnd, Seen],
) -> None:
    world, end, _ = weekend
    s = trading_signals.c
    with world.ledger.reading() as tx:
        rows = tx.execute(sa.select(s.model_version, s.is_shadow, s.ab_test_id, s.created_at)).all()
        figures = loop_figures(tx, "reversal", "15m", ROLES["all"], MONDAY)
    tested = [row for row in rows if row.created_at > SUNDAY]
    assert {row.model_version for row in tested if not row.is_shadow} == {FIRST, SECOND}
    assert all((row.ab_test_id is None) == row.is_shadow for row in tested)
    assert {row.model_version for row in rows if row.created_at <= SUNDAY} == {FIRST}
    n_resolved = len(announced(world, "signal_outcome"))
    assert 0 < sum(end.figures.outcomes.values()) <= n_resolved
    assert figures.learnt["full_passed"] == 1 and figures.backlog == 0
    assert end.figures.events["new_prediction"] == sum(not row.is_shadow for row in rows)


def test_rev_r42_a_pause_holds_trainings_and_promotions_while_signals_go_on(world: LiveWorld) -> None:
    """REV-R42 in the whole loop: from Saturday night on daily and weekly are skipped and say so; a training that a
    person asks for is made, and its version is kept out of the traffic; every bar is decided on all the same.
    """
    since, until = SUNDAY - HOUR, MONDAY  # five hours after it opens the market has a window without a gap again
    pause(world, since)
    asks = NewFiring(
        learner="reversal", kind=BY_HAND, effect="retrain", at=until - 2 * HOUR, reason="asked", by="test", key="r"
    )
    with world.ledger.transaction() as tx:
        record_firing(tx, asks)
    _, seen = lived(world, since, until)
    assert [run.error for run in seen.runs if run.error] == []
    for name in ("daily", "weekly"):
        assert seen.of(name) and all("pause" in run.told["skipped"] for run in seen.of(name))
    with world.ledger.reading() as tx:
        assert champion(tx, "reversal") == FIRST and len(list_deployments(tx, "reversal")) == 1
        assert list_rollouts(tx) == []
        lines = live_entries(tx, "reversal", "training", ("full training",))
    by_hand = [one.payload for one in lines if one.payload["cause"] == BY_HAND]
    assert [(one["version"], one["verdict"]) for one in by_hand] == [(SECOND, "pass")]
    assert by_hand[0]["kept"] is not None
    n_signals = sum(run.told.get("signals", 0) for run in seen.of("signals"))
    assert n_signals > 0
    assert Counter(one["model_version"] for one in announced(world, "new_prediction")) == {FIRST: n_signals}


def test_another_learner_is_trained_in_full_by_the_same_cycles(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    """Nothing of the cycles knows `reversal` but its calendar; a training that fails is an error of its cycle."""
    other = live_world(tmp_path, sqlite_ledger, Market())
    weekly = next(one for one in learning_cycles(other, terms(other), Turn()) if one.name == "weekly")
    with pytest.raises(Exception, match=r".+"):  # no bars: whatever says so
        weekly.run(SUNDAY)
    with sqlite_ledger.reading() as tx:
        assert champion(tx, "m002") is None


def test_a_trigger_s_training_that_fails_is_no_version(world: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RefusalError("no rows", where="training", fix="wait")

    monkeypatch.setattr(module, "train_full", fails)
    around: Sequence[Any] = ()
    assert module._for_a_trigger(world, around, SUNDAY, "feature_drift") is None  # type: ignore[arg-type]
    with pytest.raises(RefusalError):
        module._weekly(replace(world), around, SUNDAY)  # type: ignore[arg-type]
