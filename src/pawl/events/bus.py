"""The event bus: what is published reaches every group that listens, at least once, and in its order for each topic."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

__all__ = ["Bus", "Event", "Handler", "OnParked", "Parked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """at: when it happened. payload: JSON, as `ledger/loop_payloads.py` lays down by topic.

    >>> told = Event(event_id=UUID(int=1), topic="new_market_data", at=datetime(2024, 1, 1), payload={"pair": "EURUSD"})
    >>> told.trace_id is None
    True
    """

    event_id: UUID
    topic: str
    at: datetime
    payload: dict[str, Any]
    trace_id: str | None = None

    @property
    def names(self) -> dict[str, object]:
        """What a line of the log says of it: never the payload."""
        return {"event_id": str(self.event_id), "topic": self.topic, "trace_id": self.trace_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """An event that a group gave up. attempts: how often it was delivered. event: None where it cannot be read.

    item_id: the id of the event, or of the entry that is none.
    """

    group: str
    topic: str
    item_id: str
    error: str
    attempts: int
    event: Event | None

    @property
    def names(self) -> dict[str, object]:
        """What a line of the log says of it."""
        return {"group": self.group, "event_id": self.item_id, "topic": self.topic, "attempts": self.attempts}


Handler = Callable[[Event], None]
"""Takes an event up; an error means that it is tried again. May be called twice with one event, and in any thread."""

OnParked = Callable[[Parked], None]
"""Told of what was given up; when it fails, nothing is given up yet."""


class Bus(Protocol):
    """Where the loop tells what happened. Threads may share one."""

    def subscribe(self, topics: Sequence[str], group: str, handler: Handler) -> None:
        """Call the handler with every event of the topics, one at a time, in a thread of its own.

        A group takes each event up once, however many processes it has. A handler that fails is tried again after a
        back-off, and what keeps failing is parked; the events behind it wait so long. InputError for a second handler
        of a group in one process.
        """
        ...

    def publish(self, events: Sequence[Event]) -> None:
        """Hand events over. StorageError where the bus does not answer: then any part of them may have arrived."""
        ...

    def settled(self, event_ids: Collection[UUID]) -> set[UUID]:
        """Those of the published events that need not be kept for the bus any longer: it will not lose them."""
        ...

    def close(self) -> None:
        """End the threads; each finishes the event it is at."""
        ...
