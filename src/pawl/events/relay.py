"""The relay: takes events from the outbox to the bus, after the transaction that announced them, in their order."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from pawl.errors import StorageError
from pawl.events.attempt import failure_of
from pawl.events.bus import Bus, Event
from pawl.events.event_settings import EventSettings
from pawl.events.parking import parked_events
from pawl.ledger.database import Ledger
from pawl.ledger.loop_outbox import (
    Announced,
    forget_published,
    mark_published,
    note_failure,
    publishing_turn,
    unpublished,
)

__all__ = ["Relay"]

PIECE = 500
"""Rows of the outbox that are removed at once: a few milliseconds, so that nobody waits for it."""
NAMED = 10
"""Events that a line of the log names, of those that could not be published."""
FORGETS_EVERY = timedelta(hours=1)


class Relay:
    """One thread that publishes what is committed. now: the loop's clock.

    A row is marked when the bus has settled its event; whoever dies in between publishes it again, and the groups know
    it by its id. While the bus or the ledger does not answer everything waits in the outbox.
    """

    def __init__(self, ledger: Ledger, bus: Bus, settings: EventSettings, now: Callable[[], datetime]) -> None:
        self._ledger, self._bus, self._settings, self._now = ledger, bus, settings, now
        self._open: dict[UUID, int] = {}  # published and not settled, in the order of publishing → attempts as read
        self._failure: str | None = None
        self._n_moved = 0
        self._forgets_at: datetime | None = None
        self._at_hand: list[UUID] = []  # being published
        self._stop, self._wake = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="pawl-relay", daemon=True)

    @property
    def failure(self) -> str | None:
        """What went wrong at the last look; None when nothing did."""
        return self._failure

    def start(self) -> Self:
        """Begin to publish."""
        self._thread.start()
        return self

    def wake(self) -> None:
        """Look now: something was committed. Unasked the relay looks every `poll_sec`."""
        self._wake.set()

    def close(self) -> None:
        """End after the events at hand; the others wait in the outbox."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def step(self) -> int:
        """Publish the next events and mark those that are settled; how many of both. StorageError where the bus or the
        ledger does not answer.
        """
        with publishing_turn(self._ledger) as is_ours:
            if not is_ours:
                return 0
            n_settled = self._mark_settled()
            events = self._next()
            if events:
                self._publish(events)
                n_settled += self._mark_settled()
        return len(events) + n_settled

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        n_failed = 0
        while not self._stop.is_set():
            self._wake.clear()  # before the look: what is committed during it is looked for again
            self._failure = failure_of(self._look, "the relay", self._named)
            if self._failure is not None:
                n_failed += 1
                self._stop.wait(self._settings.backoff.after(n_failed, "relay").total_seconds())
            else:
                n_failed = 0
                self._wake.wait(0 if self._n_moved else self._settings.poll_sec)

    def forget(self) -> int:
        """Remove a piece of what was published more than `kept_days` ago; how many. What waits stays, and so does what
        a group has parked: its letter may be let go.
        """
        now = self._now()
        if self._forgets_at is not None and now < self._forgets_at:
            return 0
        with publishing_turn(self._ledger) as is_ours:
            if not is_ours:
                return 0
            with self._ledger.transaction() as tx:
                before = now - timedelta(days=self._settings.kept_days)
                n_gone = forget_published(tx, before, PIECE, parked_events(tx))
        if n_gone < PIECE:
            self._forgets_at = now + FORGETS_EVERY
        return n_gone

    def _look(self) -> None:
        self._n_moved = self.step() or self.forget()

    def _named(self) -> dict[str, object]:
        """Of the events at hand, which wait on: how many, and the first of them by id."""
        ids, self._at_hand = self._at_hand, []
        return {"n_events": len(ids), "event_ids": [str(one) for one in ids[:NAMED]]}

    def _next(self) -> list[Announced]:
        n_free = min(self._settings.batch_size, self._settings.max_open - len(self._open))
        if n_free <= 0:
            return []
        with self._ledger.reading() as tx:
            waiting = unpublished(tx, len(self._open) + n_free)
        return [one for one in waiting if one.event_id not in self._open]

    def _publish(self, waiting: list[Announced]) -> None:
        ids = self._at_hand = [one.event_id for one in waiting]
        events = [
            Event(event_id=one.event_id, topic=one.topic, at=one.at, payload=one.payload, trace_id=one.trace_id)
            for one in waiting
        ]
        try:
            self._bus.publish(events)
        except StorageError:
            with self._ledger.transaction() as tx:
                note_failure(tx, ids)
            raise
        self._open.update((one.event_id, one.attempts) for one in waiting)
        self._at_hand = []

    def _mark_settled(self) -> int:
        settled = self._bus.settled(self._open)
        if settled:
            told = {one: attempts for one, attempts in self._open.items() if one in settled}
            with self._ledger.transaction() as tx:
                mark_published(tx, told, self._now())
            for one in told:
                del self._open[one]
        return len(settled)
