"""A run that was recorded is played again: the same pages, failures and changes, and the same to the byte from them."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from live_world import Ledger, live_world
from pawl.errors import NotFoundError
from pawl.evaluation.costs import Costs
from pawl.events.event_settings import EventSettings
from pawl.events.in_process_bus import InProcessBus
from pawl.gates.policy_gate import GateSettings
from pawl.jobs.live.bootstrapping import prepare
from pawl.jobs.live.composing import Parts, live_cycles
from pawl.jobs.live.driver import Observed
from pawl.jobs.live.recorded_source import RecordedSource
from pawl.jobs.live.running import LoopOrder, Running, clock_of, drive, span_of
from pawl.jobs.live.simulated_market import market_of
from pawl.jobs.live.world import LiveWorld
from pawl.jobs.verdicts import Terms
from pawl.lake.backfill import Patience
from pawl.lake.simulated_source import SimulatedSource
from pawl.lake.source import BusySourceError, Page, Source
from pawl.ledger.decision_tables import decision_trajectories, inference_logs
from pawl.ledger.live_tables import live_log, market_data
from pawl.ledger.loop_tables import loop_outbox
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.training_tables import eval_reports
from pawl.ledger.version_tables import deployment_log, model_versions
from pawl.market.bars import UTC_TIME, Timeframe
from quarter_hours import QuarterHours

MARKET = market_of(QuarterHours.spec)
LENGTH = timedelta(hours=8)
PRICES = ("open", "high", "low", "close")
TABLES = (
    market_data, trading_signals, inference_logs, decision_trajectories, loop_outbox, eval_reports, model_versions,
    deployment_log, live_log,
)  # fmt: skip
REAL_TIME = {"created_at", "published_at", "attempts", "number"}


class Faulty:
    """The simulated market behind a bad line: every fifth page fails, and every seventh tells of a bar otherwise."""

    name = "simulated"

    def __init__(self) -> None:
        self._own, self._n = SimulatedSource(7, MARKET.calendar), 0

    def page(self, ticker: str, timeframe: Timeframe, start: datetime, end: datetime) -> Page:
        """A page, if the line holds."""
        self._n += end > MARKET.start
        if self._n and self._n % 5 == 0:
            raise BusySourceError("503", where="market", fix="later")
        found = self._own.page(ticker, timeframe, start, end)
        if self._n and self._n % 7 == 0:
            return Page(found.bars.with_columns(volume=found.bars["volume"] + 1.0), found.next_start)
        return found


def live(home: Path, source: Source) -> LiveWorld:
    """A world with a ledger of its own."""
    made = live_world(home, Ledger.open(home), source, MARKET.tickers)
    return replace(made, learner=QuarterHours(), calendar=MARKET.calendar)  # type: ignore[arg-type]


def lived(world: LiveWorld) -> dict[str, list[str]]:
    """Prepare, run, and give all that then stands in the ledger; without what the real clock says."""
    terms = Terms(costs=Costs(), gate=GateSettings(), seed=7)
    patience = Patience(sleep=lambda seconds: None)
    prepare(world, MARKET.start, MARKET.history, terms, patience, lambda stage, fraction: None)
    now = datetime(2027, 1, 1, tzinfo=UTC)
    order = LoopOrder(role="all", speed=None, length=LENGTH, start=MARKET.start, now=lambda: now)
    cycles = live_cycles(world, Parts())
    span = span_of(world, order)
    settings = EventSettings(poll_sec=0.01)
    with InProcessBus(settings.backoff, lambda parked: None, 1000) as bus:
        clock = clock_of(world, cycles, order, span)
        running = Running(clock=clock, span=span, bus=bus, events=settings, observed=Observed())
        drive(world, cycles, order, running, threading.Event())
    with world.ledger.reading() as tx:
        return {table.name: _texts(tx, table) for table in TABLES}


def _texts(tx: sa.Connection, table: sa.Table) -> list[str]:
    columns = [column for column in table.c if column.name not in (REAL_TIME if table is loop_outbox else ())]
    return sorted(str(tuple(row)) for row in tx.execute(sa.select(*columns)))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[LiveWorld, dict[str, Any]]:
    """A run on a bad line, and what stands in its ledger."""
    world = live(tmp_path_factory.mktemp("recorded"), Faulty())
    return world, lived(world)


def test_live_is_replay_to_the_byte(recorded: tuple[LiveWorld, dict[str, Any]], tmp_path: Path) -> None:
    world, stood = recorded
    with world.ledger.reading() as tx:
        source = RecordedSource(tx, world.workspace.home, "tiny")
    played = lived(live(tmp_path, source))
    told = {name: rows for name, rows in stood.items() if name != "live_log"}
    assert {name: rows for name, rows in played.items() if name != "live_log"} == told
    assert len(stood["trading_signals"]) > 40 and len(stood["market_data"]) > 40
    assert any("came again" in row for row in stood["live_log"]) and any("503" in row for row in stood["live_log"])
    # What a cycle did is the same as well; only the words of a failure name the record it was read from.
    cycles = [[row for row in rows["live_log"] if "503" not in row] for rows in (stood, played)]
    assert cycles[0] == cycles[1]


class Dearer(RecordedSource):
    """The same pages, but for what was received after four hours."""

    def page(self, ticker: str, timeframe: Timeframe, start: datetime, end: datetime) -> Page:
        found = super().page(ticker, timeframe, start, end)
        is_later = pl.col("ts") >= pl.lit(MARKET.start + timedelta(hours=4), UTC_TIME)
        prices = (pl.col(name) * pl.when(is_later).then(1.001).otherwise(1.0) for name in PRICES)
        return Page(found.bars.with_columns(prices), found.next_start)


def test_another_page_gives_another_run(recorded: tuple[LiveWorld, dict[str, Any]], tmp_path: Path) -> None:
    world, stood = recorded
    with world.ledger.reading() as tx:
        source = Dearer(tx, world.workspace.home, "tiny")
    other = lived(live(tmp_path, source))
    assert other["market_data"] != stood["market_data"] and other["trading_signals"] != stood["trading_signals"]


def test_an_instant_that_was_not_lived_is_not_made_up(
    recorded: tuple[LiveWorld, dict[str, Any]], tmp_path: Path
) -> None:
    world, _ = recorded
    timeframe, at = world.learner.spec.timeframe, MARKET.start + timedelta(days=3)
    with world.ledger.reading() as tx:
        source = RecordedSource(tx, world.workspace.home, "tiny")
        with pytest.raises(NotFoundError, match="received nothing here"):
            RecordedSource(tx, world.workspace.home, "reversal")
    with pytest.raises(NotFoundError, match="nothing was received"):
        source.page("BTCUSDT", timeframe, MARKET.start, at)
