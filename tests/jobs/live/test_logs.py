"""The log of a loop: JSON lines, and nothing for a minute in which nothing happened."""

import io
import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from live_world import START
from loop_events import bars
from pawl.errors import StorageError
from pawl.events.bus import Event, Parked
from pawl.events.event_settings import EventSettings
from pawl.events.in_process_bus import InProcessBus
from pawl.events.relay import Relay
from pawl.jobs.live.logs import EVENT_LOGS, LoggedLoop, log_events, loop_logger
from pawl.jobs.live.watch import LoopWatch, Run
from pawl.ledger.database import Ledger
from pawl.ledger.loop_outbox import announce
from redis_world import until


def test_runs_that_did_something_are_logged_with_their_ids() -> None:
    stream = io.StringIO()
    watch = LoopWatch(["signals", "positions"])
    observed = LoggedLoop(watch, loop_logger(stream=stream), "reversal")
    observed.begins("signals", START)
    assert watch.states()["signals"].is_running
    observed.ended(Run(cycle="signals", at=START, told={"signals": 2, "ids": ["a"]}, seconds=0.5, late_sec=0.1))
    observed.ended(Run(cycle="positions", at=START, told={}, seconds=0.5, late_sec=0.0))
    warned = {"warnings": {"EURUSD": "503"}}
    observed.ended(Run(cycle="signals", at=START, told=warned, seconds=0.5, late_sec=0.1, n_missed=3))
    observed.ended(Run(cycle="positions", at=START, told={}, seconds=0.5, late_sec=0.0, error="ValueError: x"))
    observed.trouble("the ledger does not answer")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(one["level"], one.get("cycle")) for one in lines] == [
        ("info", "signals"), ("warning", "signals"), ("error", "positions"), ("warning", None)
    ]  # fmt: skip
    assert lines[0]["told"]["ids"] == ["a"] and lines[0]["at"] == START.isoformat()
    assert all(one["learner"] == "reversal" and "timestamp" in one for one in lines)
    states = watch.states()
    assert (states["signals"].n_runs, states["signals"].n_missed, states["signals"].n_warnings) == (2, 3, 1)
    assert states["positions"].n_errors == 1 and states["signals"].told["signals"] == 2


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What the logs of events say."""
    found = io.StringIO()
    log_events(stream=found)
    yield found
    for name in EVENT_LOGS:
        logging.getLogger(name).handlers = []


class Away(InProcessBus):
    """A bus that answers with its address."""

    def publish(self, events: Sequence[Event]) -> None:
        raise StorageError("no answer from redis://:very-secret@10.0.0.1:6379/0", where="bus", fix="start it")


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_relay_that_fails_logs_json_with_the_ids_and_the_reason(ledger: Ledger, stream: io.StringIO) -> None:
    told = [bars(number) for number in range(12)]
    with ledger.transaction() as tx:
        for one in told:
            announce(tx, one, START)
    settings = EventSettings(backoff_base_sec=0.01, backoff_max_sec=0.01)
    with Away(settings.backoff, lambda _: None, 100) as bus, Relay(ledger, bus, settings, lambda: START):
        until(lambda: stream.getvalue().count("\n") >= 2)
    first = lines_of(stream)[0]
    assert (first["level"], first["what"], first["n_events"]) == ("warning", "the relay", 12)
    assert first["event_ids"] == [str(one.event_id) for one in told[:10]]
    assert "no answer from redis://:…@10.0.0.1:6379/0" in first["reason"] and "timestamp" in first
    assert "very-secret" not in stream.getvalue()


def test_a_handler_and_a_notice_that_fail_log_json_with_their_event(stream: io.StringIO) -> None:
    event = Event(event_id=bars(1).event_id, topic="new_market_data", at=START, payload={"pair": "EURUSD"})

    def fails(_: Event) -> None:
        raise ValueError("not today")

    def cannot(_: Parked) -> None:
        raise StorageError("no ledger", where="ledger", fix="wait")

    backoff = EventSettings(max_attempts=1, backoff_base_sec=0.01, backoff_max_sec=0.01).backoff
    with InProcessBus(backoff, cannot, 100) as bus:
        bus.subscribe(["new_market_data"], "notices", fails)
        bus.publish([event])
        until(lambda: stream.getvalue().count("\n") >= 2)
    failed, parking = lines_of(stream)[:2]
    assert (failed["group"], failed["topic"], failed["reason"]) == ("notices", event.topic, "ValueError: not today")
    assert failed["event_id"] == parking["event_id"] == str(event.event_id)
    assert "no ledger" in parking["reason"] and "EURUSD" not in stream.getvalue()
