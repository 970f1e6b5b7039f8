"""A line of the log: JSON for programs, and words for people, whatever it was given."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.jobs.live.log_lines import json_line, readable_line

RUN = {
    "event": "cycle", "cycle": "triggers", "level": "info", "learner": "reversal", "at": "2026-01-05T10:15:00+00:00",
    "timestamp": "2026-11-26T13:54:43.855699Z", "seconds": 0.2, "late_sec": 0.0,
}  # fmt: skip


def line(told: dict[str, Any], **changes: Any) -> str:
    return readable_line({**RUN, "told": told, **changes}).removeprefix("2026-01-05 10:15  triggers           ")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "nothing new"),
        ({"bars": 0, "fired": [], "is_paused": False, "version": None, "why": ""}, "nothing new"),
        ({"bars": 1200, "is_paused": True}, "1,200 bars, paused"),
        ({"version": "reversal-3.4", "verdict": "pass"}, "version reversal-3.4, verdict pass"),
        ({"ids": ["a", "b", "c"]}, "ids a, b, c"),
        ({"signal_ids": ["a", "b", "c", "d"]}, "4 signal ids"),
        ({"warnings": {"EURUSD": "503"}}, "warnings (EURUSD 503)"),
        ({"share": 0.25}, "share 0.25"),
    ],
)
def test_a_run_says_what_came_of_it_and_nothing_of_what_did_not(told: dict[str, Any], said: str) -> None:
    assert line(told) == said


def test_what_took_long_or_came_late_or_failed_stands_out() -> None:
    assert line({}, seconds=83.21, late_sec=7.0) == "took 83.2 s, late by 7.0 s"
    failed = line({"bars": 2}, event="cycle failed", level="error", error="ValueError: x", missed=3)
    assert failed == "ERROR: cycle failed, error ValueError: x, 3 missed, 2 bars"


def test_what_is_no_run_has_the_time_of_the_clock() -> None:
    told = {"event": "costs exceed moves", "level": "warning", "timestamp": RUN["timestamp"], "round_trip_bps": 14.0}
    assert readable_line(told) == "2026-11-26 13:54  costs exceed moves  WARNING: round trip bps 14.0"


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.text() | st.integers() | st.floats(), st.lists)))
def test_whatever_others_sent_is_one_line_that_steers_no_terminal(told: dict[str, Any]) -> None:
    assert readable_line({**RUN, "told": told}).isprintable()
    assert json.loads(json_line({**RUN, "told": told}))["cycle"] == "triggers"
