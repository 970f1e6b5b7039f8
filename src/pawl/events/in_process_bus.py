"""The bus of one process: a queue and a thread for every group. What it has not delivered, the outbox still holds."""

import threading
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

from pawl.errors import InputError
from pawl.events.attempt import failure_of
from pawl.events.bus import Event, Handler, OnParked, Parked
from pawl.events.once import Once
from pawl.ledger.backoff import Backoff

__all__ = ["InProcessBus"]


@dataclass(frozen=True, slots=True)
class _Group:
    name: str
    topics: frozenset[str]
    handler: Handler
    queue: deque[Event] = field(default_factory=deque)


class InProcessBus:
    """At least once to every group, in the order of publishing, and across the end of a process: an event is settled
    when every group has dealt with it or parked it, and what is not settled the relay publishes again.

    Subscribe before the relay starts: an event that nobody listens to is settled at once. remembered: events that a
    group knows it has dealt with.
    """

    def __init__(self, backoff: Backoff, on_parked: OnParked, remembered: int) -> None:
        self._backoff, self._on_parked, self._remembered = backoff, on_parked, remembered
        self._groups: dict[str, _Group] = {}
        self._threads: list[threading.Thread] = []
        self._open: dict[UUID, int] = {}  # event → how many groups have not dealt with it
        self._changed = threading.Condition()
        self._stop = threading.Event()

    def subscribe(self, topics: Sequence[str], group: str, handler: Handler) -> None:
        """As `Bus` says; InputError for a second handler of a group: in one process they would take turns."""
        with self._changed:
            if group in self._groups:
                raise InputError(f"the group `{group}` listens already", where="event bus", fix="name another group")
            made = _Group(group, frozenset(topics), Once(handler, self._remembered))
            self._groups[group] = made
        thread = threading.Thread(target=self._run, args=(made,), name=f"pawl-events-{group}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def publish(self, events: Sequence[Event]) -> None:
        """Put the events into the queues; one that is still being dealt with is not put there again."""
        with self._changed:
            for event in events:
                listening = [one for one in self._groups.values() if event.topic in one.topics]
                if listening and event.event_id not in self._open:
                    self._open[event.event_id] = len(listening)
                    for one in listening:
                        one.queue.append(event)
            self._changed.notify_all()

    def settled(self, event_ids: Collection[UUID]) -> set[UUID]:
        """Those that every group has dealt with or parked."""
        with self._changed:
            return {one for one in event_ids if one not in self._open}

    def wait_idle(self, timeout_sec: float) -> bool:
        """Wait until every event is settled; False when that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._open, timeout_sec)

    def close(self) -> None:
        """End the threads; what waits in the queues is not settled."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, group: _Group) -> None:
        while (event := self._next(group)) is not None:
            if self._is_dealt_with(group, event):
                with self._changed:
                    self._open[event.event_id] -= 1
                    if not self._open[event.event_id]:
                        del self._open[event.event_id]
                    self._changed.notify_all()

    def _next(self, group: _Group) -> Event | None:
        with self._changed:
            self._changed.wait_for(lambda: group.queue or self._stop.is_set())
            return None if self._stop.is_set() else group.queue.popleft()

    def _is_dealt_with(self, group: _Group, event: Event) -> bool:
        """Handle the event, or park it; False when the bus is closed before either."""
        attempts, what = 0, f"{group.name}: {event.topic} {event.event_id}"
        while error := failure_of(lambda: group.handler(event), what, lambda: {"group": group.name, **event.names}):
            attempts += 1
            if self._backoff.is_over(attempts) and self._is_parked(group, event, error, attempts):
                return True
            delay = self._backoff.after(attempts, f"{group.name}/{event.event_id}")
            if self._stop.wait(delay.total_seconds()):
                return False
        return True

    def _is_parked(self, group: _Group, event: Event, error: str, attempts: int) -> bool:
        parked = Parked(
            group=group.name,
            topic=event.topic,
            item_id=str(event.event_id),
            error=error,
            attempts=attempts,
            event=event,
        )
        return (
            failure_of(lambda: self._on_parked(parked), f"{group.name}: parking {event.event_id}", lambda: parked.names)
            is None
        )
