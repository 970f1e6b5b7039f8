"""From when to when a run of the loop goes: recorded when it begins, so that one that was killed goes on to its end."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from pawl.ledger.live_log import LiveEntry, live_entries, log_live
from pawl.ledger.schedule_runs import newest_taken

__all__ = ["Span", "begin_span", "end_span", "open_span"]

BEGIN, END = "begin", "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A run of the loop. since: nothing is due at or before it. until: None for ever. speed: None as fast as it can.

    began: the real instant at which its clock began; all processes of one run share it, and so their clocks agree.
    """

    since: datetime
    until: datetime | None
    speed: float | None
    began: datetime

    @property
    def payload(self) -> dict[str, object]:
        """As JSON."""
        return {
            "until": self.until.isoformat() if self.until else None,
            "speed": self.speed,
            "began": self.began.isoformat(),
        }


def open_span(tx: sa.Connection, learner: str) -> Span | None:
    """The run that was begun and has not ended: killed, or run by another process."""
    acts = [one for one in live_entries(tx, learner, "act") if one.name in (BEGIN, END)]
    if not acts:
        return None
    newest = max(acts, key=lambda one: (int(one.key), one.name == END))
    if newest.name == END:
        return None
    until = newest.payload["until"]
    return Span(
        since=newest.at,
        until=None if until is None else datetime.fromisoformat(until),
        speed=newest.payload["speed"],
        began=datetime.fromisoformat(newest.payload["began"]),
    )


def begin_span(tx: sa.Connection, learner: str, schedules: list[str], fresh: Span, length: timedelta | None) -> Span:
    """Write down a new run, which begins where the last one ended, or at `fresh.since`; gives it as it goes."""
    reached = newest_taken(tx, schedules)
    ends = [one.at for one in live_entries(tx, learner, "act") if one.name == END]
    since = max([*reached.values(), *ends], default=fresh.since)
    since = max(since, fresh.since)
    span = Span(since=since, until=None if length is None else since + length, speed=fresh.speed, began=fresh.began)
    log_live(
        tx,
        [LiveEntry(learner=learner, at=since, kind="act", name=BEGIN, key=str(len(ends) + 1), payload=span.payload)],
    )
    return span


def end_span(tx: sa.Connection, learner: str, at: datetime) -> None:
    """Write down that the run has come to its end."""
    n_begun = sum(one.name == BEGIN for one in live_entries(tx, learner, "act"))
    log_live(tx, [LiveEntry(learner=learner, at=at, kind="act", name=END, key=str(n_begun), payload={})])
