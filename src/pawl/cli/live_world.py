"""From the settings and a command line to a loop that can be run: its world, its cycles, its server and its bus."""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from socket import gethostname
from time import monotonic, sleep
from typing import Any

from pawl.cli.composition import learner_named, rollout_rules_of, settings_hash, terms_of
from pawl.cli.service_app import service_app
from pawl.cli.session import Session
from pawl.errors import InputError
from pawl.evaluation.cost_check import ranges_below_costs
from pawl.events.bus import Bus
from pawl.events.notice_settings import notice_urls
from pawl.events.notice_texts import NOTICED_TOPICS, notifying
from pawl.events.notices import Notices
from pawl.events.opening import open_bus
from pawl.events.parking import parking
from pawl.jobs.ledgers import ledger_of
from pawl.jobs.live.bootstrapping import prepare
from pawl.jobs.live.clock import Clock
from pawl.jobs.live.composing import ROLES, Parts, cycles_of, live_cycles
from pawl.jobs.live.cycle import Cycle
from pawl.jobs.live.figures import LoopFigures, loop_figures
from pawl.jobs.live.learning_cycles import LearningTerms, learning_cycles
from pawl.jobs.live.lived_latencies import LivedMs
from pawl.jobs.live.log_lines import LineForm, json_line, readable_line
from pawl.jobs.live.logs import LoggedLoop, log_events, loop_logger
from pawl.jobs.live.monitoring import glance
from pawl.jobs.live.monitoring_gauges import Gauge, gauges
from pawl.jobs.live.readiness import readiness
from pawl.jobs.live.routing_now import deciders
from pawl.jobs.live.run_gate import RunGate
from pawl.jobs.live.running import LoopEnd, LoopOrder, Running, clock_of, drive, span_of
from pawl.jobs.live.simulated_market import market_of
from pawl.jobs.live.surroundings import TrainingCounts
from pawl.jobs.live.trade_arrivals import UsersTrades
from pawl.jobs.live.turn import Turn
from pawl.jobs.live.watch import CycleState, LoopWatch
from pawl.jobs.live.world import LiveWorld
from pawl.jobs.workspace import Workspace
from pawl.lake.backfill import Patience
from pawl.lake.sources import SourceChoice, open_source
from pawl.registry.stopping import StoppedEarly
from pawl.serving.edge import log_to_stderr
from pawl.serving.live_metrics import metrics_text
from pawl.serving.live_routes import LiveSide
from pawl.serving.server import background_server, listening, require_token
from pawl.serving.service import Clocks
from pawl.settings import Settings

__all__ = ["LiveChoice", "LiveLoop", "cycles_under", "live_loop"]

SIMULATED = "simulated"
BARS_OF_A_RANGE = 2_000
LIVE_SOURCES = (SIMULATED, "ccxt", "yfinance")
SERVING_ROLES = ("all", "api")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveChoice:
    """What was asked for on the command line. data: simulated, ccxt:EXCHANGE or yfinance. speed: None for `max`."""

    learner: str
    data: str
    tickers: tuple[str, ...] | None
    speed: float | None
    length: timedelta | None
    seed: int
    role: str
    host: str
    port: int

    @property
    def consumer(self) -> str:
        """This process on the bus: the same after a restart, so that what was open comes back to it, and no other's."""
        return f"{gethostname()}-{self.learner}-{self.role}"


@dataclass(slots=True, kw_only=True)
class LiveLoop:
    """A loop that is ready to run. cycles: of this process's role."""

    world: LiveWorld
    cycles: tuple[Cycle, ...]
    order: LoopOrder
    running: Running
    watch: LoopWatch = field(repr=False)

    def run(self, stopped: threading.Event) -> LoopEnd:
        """Run until its end, or until stopped."""
        return drive(self.world, self.cycles, self.order, self.running, stopped)

    def states(self) -> Mapping[str, CycleState]:
        """Cycle → what it did in this process."""
        return self.watch.states()


def live_loop(run: Session, choice: LiveChoice, stack: ExitStack, stopped: threading.Event) -> LiveLoop:
    """Open everything, prepare an empty workspace, serve, and give the loop. stack: closes what was opened.

    StoppedEarly where `stopped` is set before the workspace is prepared.
    """
    is_simulated = choice.data == SIMULATED
    if not is_simulated and choice.speed != 1.0:
        raise InputError("real data cannot come faster", where="--speed", fix="leave --speed out, or --data simulated")
    if choice.role != "all" and choice.speed is None:
        raise InputError(
            "processes that share the work share a clock, and `max` has none", where="--speed", fix="give a number"
        )
    if choice.role != "all" and run.settings.ledger_url is None:
        raise InputError(
            "one SQLite file is for one process", where="--role", fix="set PAWL_DATABASE_URL to a PostgreSQL"
        )
    world = _world(run, choice, stack)
    order = LoopOrder(
        role=choice.role,
        speed=choice.speed,
        length=choice.length,
        start=market_of(world.learner.spec).start if is_simulated else None,
        now=_now,
        settings=settings_hash(run.settings),
    )
    gate = RunGate(world.ledger, world.name)
    stack.callback(gate.close)
    turn = Turn(gate)
    stopwatch = None if choice.speed is None else monotonic  # `max` has no time, and leaves the same bytes every time
    all_cycles = cycles_under(world, run.settings, turn, stopwatch)
    own = cycles_of(choice.role, all_cycles)
    watch = LoopWatch([one.name for one in own])
    if choice.role in SERVING_ROLES:
        # Asked here, for the first training of an empty workspace takes minutes.
        require_token(world.ledger, choice.host)
        listening(choice.host, choice.port).close()
    _prepared(run, world, order, stopped)
    form = _form(run)
    log = loop_logger(form)
    _tell_of_costs(log, world)
    span = span_of(world, order)
    clock = clock_of(world, own, order, span)
    log_events(form)
    running = Running(
        clock=clock,
        span=span,
        bus=_bus(run, choice, world, clock, stack),
        events=run.settings.events,
        observed=LoggedLoop(watch, log, world.name),
        turn=turn,
    )
    loop = LiveLoop(world=world, cycles=own, order=order, running=running, watch=watch)
    if choice.role in SERVING_ROLES:
        url = _served(run, choice, loop, all_cycles, stack)
        run.stderr.print(f"{url} answers; end with Ctrl-C", highlight=False)
    return loop


def cycles_under(
    world: LiveWorld,
    settings: Settings,
    turn: Turn,
    stopwatch: Callable[[], float] | None = None,
    lived_ms: LivedMs | None = None,
) -> tuple[Cycle, ...]:
    """Every cycle of a loop under its settings. turn: that the trainings of this process take. stopwatch: seconds, to
    measure answers and trainings by; None where time stands still. lived_ms: what answers took, of a life that is
    played.
    """
    terms = LearningTerms(
        terms=terms_of(settings),
        rollout=rollout_rules_of(settings),
        triggers=settings.triggers,
        sequence=settings.sequence,
        monthly=settings.monthly,
        stopwatch=stopwatch,
    )
    extra = learning_cycles(world, terms, turn)
    parts = Parts(deciders_of=deciders, extra=extra, stopwatch=stopwatch, lived_ms=lived_ms)
    return live_cycles(world, parts)


def _bus(run: Session, choice: LiveChoice, world: LiveWorld, clock: Clock, stack: ExitStack) -> Bus:
    """The bus, and whoever is told by it; closed before the notices that it still hands over."""
    settings = run.settings
    urls = notice_urls(os.environ)
    notices = stack.enter_context(closing(Notices(settings.notices, urls))) if urls else None
    parked = parking(world.ledger, clock.now)
    bus = stack.enter_context(closing(open_bus(settings.events, settings.redis_url, choice.consumer, parked)))
    if notices is not None and choice.role in ("all", "worker"):
        bus.subscribe(NOTICED_TOPICS, "notices", notifying(notices))
    return bus


def _world(run: Session, choice: LiveChoice, stack: ExitStack) -> LiveWorld:
    settings = run.settings
    learner = learner_named(choice.learner, settings)
    market = market_of(learner.spec)
    name, exchange = _source_named(choice.data)
    is_simulated = name == SIMULATED
    source = SourceChoice(name=name, exchange=exchange, seed=choice.seed, calendar=market.calendar)
    ledger = stack.enter_context(closing(ledger_of(settings)))
    return LiveWorld(
        workspace=Workspace.at(settings.home, ledger),
        learner=learner,
        tickers=choice.tickers or market.tickers_at(name),
        source=stack.enter_context(open_source(source)),
        costs=settings.costs,
        limits=settings.quality,
        settings=settings.live,
        seed=choice.seed,
        n_jobs=settings.n_jobs,
        calendar=market.calendar if is_simulated else None,
        trades=UsersTrades(is_own_time=is_simulated),
    )


def _source_named(data: str) -> tuple[str, str]:
    """Name and exchange of what --data asks for; InputError for what no loop can live on."""
    name, _, exchange = data.partition(":")
    if name not in LIVE_SOURCES or (name == "ccxt") != bool(exchange):
        raise InputError(
            f"no live source `{data}`",
            where="--data",
            fix="write simulated, yfinance, or ccxt:EXCHANGE like ccxt:binance",
        )
    return name, exchange


def _prepared(run: Session, world: LiveWorld, order: LoopOrder, stopped: threading.Event) -> None:
    at = order.start or order.now()
    patience = Patience(sleep=sleep)
    with run.stages() as told:

        def unless_stopped(stage: str, fraction: float) -> None:
            if stopped.is_set():
                raise StoppedEarly
            told(stage, fraction)

        try:
            prepare(world, at, market_of(world.learner.spec).history, terms_of(run.settings), patience, unless_stopped)
        except KeyboardInterrupt as error:
            if stopped.is_set():
                raise StoppedEarly from error
            raise


def _form(run: Session) -> LineForm:
    """Words for whoever watches a terminal, JSON for everything else, also where colours are forced."""
    return readable_line if run.stderr.file.isatty() and not run.is_json else json_line


def _tell_of_costs(log: Any, world: LiveWorld) -> None:  # noqa: ANN401 - structlog's logger
    timeframe = world.learner.spec.timeframe
    newest = world.workspace.silver.scan(timeframe, world.tickers).group_by("ticker").tail(BARS_OF_A_RANGE).collect()
    narrow = ranges_below_costs(newest, world.costs)
    if narrow:
        log.warning(
            "costs exceed moves",
            learner=world.name,
            round_trip_bps=round(world.costs.round_trip_bps, 2),
            median_range_bps={ticker: round(bps, 2) for ticker, bps in narrow.items()},
            fix=f"most signals on {timeframe} bars will lose; if yours are lower, set [costs] in settings.toml",
        )


def _served(run: Session, choice: LiveChoice, loop: LiveLoop, cycles: tuple[Cycle, ...], stack: ExitStack) -> str:
    """Serve the API, the health and the metrics of the loop in threads of this process; the URL."""
    world, now, counts = loop.world, loop.running.clock.now, TrainingCounts()

    def figures() -> LoopFigures:
        with world.ledger.reading() as tx:
            return loop_figures(tx, world.name, str(world.learner.spec.timeframe), ROLES["all"], now(), counts)

    def more() -> list[Gauge]:
        return gauges(*glance(world, now()))

    live = LiveSide(
        checks=lambda: readiness(world, cycles, figures(), now(), choice.speed or 1.0).checks,
        metrics=lambda: metrics_text(loop.watch, figures, now, more),
    )
    app = service_app(run.settings, world.ledger, Clocks(now=_now, monotonic=monotonic), stack, live)
    log_to_stderr()
    return stack.enter_context(background_server(app, choice.host, choice.port))


def _now() -> datetime:
    return datetime.now(UTC)
