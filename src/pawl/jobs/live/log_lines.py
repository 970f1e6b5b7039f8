"""The two forms of a line of a loop's log: JSON for programs, and words for whoever watches a terminal."""

import json
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["LineForm", "json_line", "readable_line"]

LineForm = Callable[[Mapping[str, Any]], str]
"""Makes a line of what it says: `event`, `level` and `timestamp`, and of a run `cycle`, `at`, `seconds` and `told`."""

IN_THEIR_PLACE = frozenset(
    {"at", "cycle", "event", "late_sec", "learner", "level", "logger", "seconds", "timestamp", "told"}
)
LONG_SEC = 1.0
MOST_NAMES = 3
SUBJECT_WIDTH = 17  # `trigger_training`, and a space


def json_line(line: Mapping[str, Any]) -> str:
    """One JSON object, its keys sorted.

    >>> json_line({"level": "info", "event": "cycle"})
    '{"event": "cycle", "level": "info"}'
    """
    return json.dumps(dict(line), sort_keys=True, default=str)


def readable_line(line: Mapping[str, Any]) -> str:
    """When, what, and what came of it. The time is the loop's where the line has one.

    >>> run = {"event": "cycle", "cycle": "signals", "level": "info", "at": "2026-01-05T10:15:00+00:00", "seconds": 0.2}
    >>> readable_line({**run, "told": {"signals": 50, "skipped": []}})
    '2026-01-05 10:15  signals            50 signals'
    >>> readable_line({"event": "waiting", "level": "warning", "timestamp": "2026-01-05T10:15:09Z", "why": "away"})
    '2026-01-05 10:15  waiting            WARNING: why away'
    """
    when = str(line.get("at") or line.get("timestamp", ""))[:16].replace("T", " ")
    event, level = str(line.get("event", "")), str(line.get("level", "info"))
    cycle = line.get("cycle")
    subject = str(cycle or event)
    facts = {**{name: one for name, one in line.items() if name not in IN_THEIR_PLACE}, **(line.get("told") or {})}
    said = [text for name, one in facts.items() if (text := _said(name, one))]
    if cycle and event != "cycle":
        said.insert(0, event)
    said += [f"{name} {line[key]:,.1f} s" for key, name in (("seconds", "took"), ("late_sec", "late by"))
             if line.get(key, 0) >= LONG_SEC]  # fmt: skip
    loud = "" if level == "info" else f"{level.upper()}: "
    return _plain(f"{when}  {subject:<{SUBJECT_WIDTH}}  {loud}{', '.join(said) or 'nothing new'}")


def _said(name: str, value: object) -> str:
    """A fact in words; nothing of what is none."""
    words = name.removeprefix("is_").replace("_", " ")
    if value is None or value is False or value == 0 or value in ("", [], (), {}):
        return ""
    if value is True:
        return words
    if isinstance(value, int):
        return f"{value:,} {words}"
    if isinstance(value, Mapping):
        return f"{words} ({', '.join(f'{key} {one}' for key, one in value.items())})"
    if isinstance(value, list | tuple):
        few = len(value) <= MOST_NAMES
        return f"{words} {', '.join(map(str, value))}" if few else f"{len(value):,} {words}"
    return f"{words} {value}"


def _plain(text: str) -> str:
    """The text on one line, and without a character that would steer the terminal: some of it others have sent.

    >>> _plain("503" + chr(27) + "[2J" + chr(10) + "gone")
    '503?[2J?gone'
    """
    return "".join(one if one.isprintable() else "?" for one in text)
