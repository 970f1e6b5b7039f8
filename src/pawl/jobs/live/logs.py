"""The log of a loop on stderr: a line a thing that happened, with the ids of what it tells of and no secret."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

import structlog

from pawl.jobs.live.driver import Observed
from pawl.jobs.live.log_lines import LineForm, json_line
from pawl.jobs.live.watch import LoopWatch, Run

__all__ = ["LoggedLoop", "RecordLines", "log_events", "loop_logger"]

EVENT_LOGS = ("pawl.events", "pawl.notices")
"""Loggers of the relay, the bus and the notices, which run in threads of their own."""


def loop_logger(form: LineForm = json_line, stream: TextIO | None = None) -> Any:  # noqa: ANN401 - structlog's logger
    """A logger of lines of a form. stream: stderr by default."""
    return structlog.wrap_logger(
        structlog.PrintLogger(stream or sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            lambda _, __, line: form(line),
        ],
        wrapper_class=structlog.BoundLogger,
    )


class RecordLines(logging.Formatter):
    """Records as lines of a form. What a record was given as `facts` stands beside what it says."""

    def __init__(self, form: LineForm) -> None:
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        at = datetime.fromtimestamp(record.created, UTC)
        line = {
            **getattr(record, "facts", {}),
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": at.isoformat().replace("+00:00", "Z"),
        }
        return self._form(line)


def log_events(form: LineForm = json_line, stream: TextIO | None = None) -> None:
    """Let what fails on the way of an event appear as lines of a form. stream: stderr by default."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RecordLines(form))
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
