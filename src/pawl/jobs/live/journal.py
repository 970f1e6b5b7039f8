"""From when to when a run of the loop goes: recorded when it begins, so that one that was killed goes on to its end."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from pawl.ledger.live_log import BEGIN, LiveEntry, live_entries, log_live
from pawl.ledger.schedule_runs import newest_taken

__all__ = ["BEGIN", "END", "Span", "begin_span", "begun_at", "end_span", "open_span"]

END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A run of the loop. since: nothing is due at or before it. length: None for ever. speed: None as fast as it can.

    began: the real instant at which its clock began; all processes of one run share it, and so their clocks agree.
    chosen: what was chosen for the run beside its settings, to play it again.

    >>> at = datetime(2026, 1, 1)
    >>> Span(since=at, length=timedelta(days=1), speed=None, began=at).until
    datetime.datetime(2026, 1, 2, 0, 0)
    """

    since: datetime
    length: timedelta | None
    speed: float | None
    began: datetime
    chosen: Mapping[str, Any] = field(default_factory=dict)

    @property
    def until(self) -> datetime | None:
        """Its end."""
        return None if self.length is None else self.since + self.length

    @property
    def payload(self) -> dict[str, object]:
        """As JSON."""
        return {
            "length_sec": None if self.length is None else self.length.total_seconds(),
            "speed": self.speed,
            "began": self.began.isoformat(),
            "chosen": dict(self.chosen),
        }


def open_span(tx: sa.Connection, learner: str) -> Span | None:
    """The run that was begun and has not ended: killed, or run by another process."""
    acts = [one for one in live_entries(tx, learner, "act") if one.name in (BEGIN, END)]
    if not acts:
        return None
    newest = max(acts, key=lambda one: (int(one.key), one.name == END))
    if newest.name == END:
        return None
    length = newest.payload["length_sec"]
    return Span(
        since=newest.at,
        length=None if length is None else timedelta(seconds=length),
        speed=newest.payload["speed"],
        began=datetime.fromisoformat(newest.payload["began"]),
        chosen=newest.payload.get("chosen", {}),
    )


def begun_at(tx: sa.Connection, learner: str) -> datetime | None:
    """When the loop of a learner ran for the first time, on its own clock; None before that."""
    return min((one.at for one in live_entries(tx, learner, "act") if one.name == BEGIN), default=None)


def begin_span(tx: sa.Connection, learner: str, schedules: list[str], fresh: Span) -> Span:
    """Write down a new run, which begins where the last one ended, or at `fresh.since`; gives it as it goes."""
    reached = newest_taken(tx, schedules)
    acts = live_entries(tx, learner, "act")
    ends = [one.at for one in acts if one.name == END]
    n_begun = sum(one.name == BEGIN for one in acts)
    since = max([*reached.values(), *ends], default=fresh.since)
    since = max(since, fresh.since)
    span = replace(fresh, since=since)
    log_live(
        tx,
        [LiveEntry(learner=learner, at=since, kind="act", name=BEGIN, key=str(n_begun + 1), payload=span.payload)],
    )
    return open_span(tx, learner) or span  # another process may have begun it at this moment


def end_span(tx: sa.Connection, learner: str, at: datetime) -> None:
    """Write down that the run has come to its end."""
    n_begun = sum(one.name == BEGIN for one in live_entries(tx, learner, "act"))
    log_live(tx, [LiveEntry(learner=learner, at=at, kind="act", name=END, key=str(n_begun), payload={})])
