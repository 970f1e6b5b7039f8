"""The log of a loop: JSON lines, and nothing for a minute in which nothing happened."""

import io
import json

from live_world import START
from pawl.jobs.live.logs import LoggedLoop, json_logger
from pawl.jobs.live.watch import LoopWatch, Run


def test_runs_that_did_something_are_logged_with_their_ids() -> None:
    stream = io.StringIO()
    watch = LoopWatch(["signals", "positions"])
    observed = LoggedLoop(watch, json_logger(stream), "reversal")
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
