"""The log of a loop: one JSON object a line on stderr, with the ids of what it tells of and no secret."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog

from pawl.jobs.live.driver import Observed
from pawl.jobs.live.watch import LoopWatch, Run

__all__ = ["JsonLines", "LoggedLoop", "json_logger", "log_events"]

EVENT_LOGS = ("pawl.events", "pawl.notices")
"""Loggers of the relay, the bus and the notices, which run in threads of their own."""


def json_logger(stream: TextIO | None = None) -> Any:  # noqa: ANN401 - structlog's bound logger
    """A logger of JSON lines. stream: stderr by default."""
    return structlog.wrap_logger(
        structlog.PrintLogger(stream or sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.BoundLogger,
    )


class JsonLines(logging.Formatter):
    """Records as lines of the same form. What a record was given as `facts` stands beside what it says."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object."""
        at = datetime.fromtimestamp(record.created, UTC)
        line = {
            **getattr(record, "facts", {}),
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": at.isoformat().replace("+00:00", "Z"),
        }
        return json.dumps(line, sort_keys=True, default=str)


def log_events(stream: TextIO | None = None) -> None:
    """Let what fails on the way of an event appear as JSON lines. stream: stderr by default."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    for name in EVENT_LOGS:
        logging.getLogger(name).handlers = [handler]


class LoggedLoop(Observed):
    """Tells the watch of every run, and the log of those that did something. learner: named in every line."""

    def __init__(self, watch: LoopWatch, logger: Any, learner: str) -> None:  # noqa: ANN401 - structlog's bound logger
        self._watch, self._log = watch, logger.bind(learner=learner)

    def begins(self, cycle: str, at: datetime) -> None:
        """A run begins."""
        self._watch.begins(cycle)

    def ended(self, run: Run) -> None:
        """A run has ended."""
        self._watch.ended(run)
        if not (run.told or run.error or run.n_missed):
            return  # a minute in which nothing happened
        told = {
            "cycle": run.cycle,
            "at": run.at.isoformat(),
            "seconds": round(run.seconds, 3),
            "late_sec": round(run.late_sec, 3),
            **({"missed": run.n_missed} if run.n_missed else {}),
            "told": dict(run.told),
        }
        if run.error:
            self._log.error("cycle failed", error=run.error, **told)
        elif run.told.get("warnings"):
            self._log.warning("cycle", **told)
        else:
            self._log.info("cycle", **told)

    def trouble(self, what: str) -> None:
        """The driver waits."""
        self._log.warning("waiting", why=what)
