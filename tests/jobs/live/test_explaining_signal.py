"""A decision of the loop is derived again from its bars and its artifact."""

from pathlib import Path

import polars as pl
import pytest

from ledger_world import START as LEDGER_START
from live_world import BAR, START, Ledger, Market, live_world, serve_version
from pawl.errors import NotFoundError
from pawl.ids import DatasetHash
from pawl.jobs.live import explaining_signal
from pawl.jobs.live.answering import Asked
from pawl.jobs.live.collecting import collect
from pawl.jobs.live.deciders import active_decides
from pawl.jobs.live.explaining_signal import explain_signal
from pawl.jobs.live.signalling import SignalCycle
from pawl.jobs.live.world import LiveWorld
from pawl.ledger.market_data import newest_bars
from pawl.ledger.signals import signal_frame

AT = START + 10 * BAR


@pytest.fixture
def world(sqlite_ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveWorld:
    """A loop that has given a signal on each of two pairs."""
    market = Market()
    market.goes_on(["EURUSD", "USDJPY"], range(10), step=-0.1)
    made = live_world(tmp_path, sqlite_ledger, market, ("EURUSD", "USDJPY"))
    serve_version(made, "m002-1.0", LEDGER_START)
    collect(made, AT)
    SignalCycle(made, active_decides).run(AT)
    # The version was trained on paper only: its dataset cannot be built again.
    monkeypatch.setattr(explaining_signal, "rebuilt_hash", lambda *_: DatasetHash("d" * 64))
    return made


def trace_of(world: LiveWorld) -> str:
    with world.ledger.reading() as tx:
        assert signal_frame(tx, "m002", START, AT).height == 2
        bar = newest_bars(tx, "15m", ["EURUSD"], AT)[0]
    asked = Asked(bar=bar, version="m002-1.0", learner="m002", timeframe="15m", feature_set="turns",  # type: ignore[arg-type]
                  is_shadow=False, ab_test_id=None)  # fmt: skip
    return asked.trace_id


def test_bars_and_artifact_still_give_the_decision(world: LiveWorld) -> None:
    found = explain_signal(world.workspace, lambda name: world.learner, world.settings, trace_of(world))
    assert found.is_identical and (found.pair, found.signal, found.at) == ("EURUSD", "buy", AT)
    assert found.model_version == "m002-1.0" and found.outcome is None and found.trajectory_id is not None
    assert found.decision["action"] == "long"


def test_a_bar_that_was_corrected_since_shows(world: LiveWorld) -> None:
    bars = world.workspace.silver.scan(world.learner.spec.timeframe, ["EURUSD"]).collect()
    changed = bars.tail(2).head(1).with_columns(close=pl.lit(1.0), low=pl.lit(1.0))
    world.workspace.silver.merge(
        changed.drop("available_at", "session"), world.learner.spec.timeframe, world.calendar, source="late", now=AT
    )
    found = explain_signal(world.workspace, lambda name: world.learner, world.settings, trace_of(world))
    assert not found.is_same_decision and not found.is_identical


def test_an_unknown_trace_is_said(world: LiveWorld) -> None:
    with pytest.raises(NotFoundError, match="no signal has the trace"):
        explain_signal(world.workspace, lambda name: world.learner, world.settings, "nowhere")
