"""One process's part of a consumer group: deals with new entries and with those of the dead, retries and parks."""

import threading
import time
from dataclasses import replace

from pawl.errors import InputError
from pawl.events.attempt import failure_of
from pawl.events.bus import Event, Handler, OnParked, Parked
from pawl.events.event_settings import EventSettings
from pawl.events.redis_keys import read_event
from pawl.events.redis_streams import Entry, GroupStreams

__all__ = ["RedisConsumer"]

READ_SEC = 0.5
TRIMMED = "it was trimmed off its stream before it was dealt with"


class RedisConsumer:
    """Runs in a thread until the bus is closed, and begins again after whatever happens to the connection."""

    def __init__(
        self, streams: GroupStreams, group: str, handler: Handler, settings: EventSettings, on_parked: OnParked
    ) -> None:
        self._streams, self._group, self._handler = streams, group, handler
        self._settings, self._on_parked = settings, on_parked
        self._n_failed = 0

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; what was not dealt with by then stays this consumer's."""
        while not stop.is_set():
            if failure_of(lambda: self._consume(stop), f"{self._group} at Redis", self._named) is not None:
                self._n_failed += 1
                stop.wait(self._settings.backoff.after(self._n_failed, self._group).total_seconds())

    def _consume(self, stop: threading.Event) -> None:
        self._streams.make_groups()
        for entry in self._streams.own():
            self._deal_with(entry, stop)
            if stop.is_set():
                return
        look_at = 0.0
        while not stop.is_set():
            if time.monotonic() >= look_at:
                for entry in self._streams.of_the_dead(self._settings.dead_after_sec):
                    self._deal_with(entry, stop)
                look_at = time.monotonic() + self._settings.dead_after_sec / 2
            given = self._streams.new(READ_SEC)
            sure_until = time.monotonic() + self._settings.dead_after_sec / 2
            for entry in given:
                if time.monotonic() < sure_until or self._streams.is_own(entry):
                    self._deal_with(entry, stop)
            self._n_failed = 0

    def _deal_with(self, entry: Entry, stop: threading.Event) -> None:
        event = self._event_of(entry)
        if event is None or stop.is_set():
            return
        if self._streams.begin(entry, event.event_id):
            self._streams.acknowledge(entry, event.event_id, self._settings.done_for_sec)
            return
        error: str | None = f"delivered {entry.attempts - 1} times and never acknowledged"
        if entry.attempts <= self._settings.max_attempts:
            error = self._failure(event)
        while error is not None:
            if self._settings.backoff.is_over(entry.attempts) and self._is_parked(entry, event, error):
                return
            if stop.wait(self._settings.backoff.after(entry.attempts, str(event.event_id)).total_seconds()):
                return
            entry = replace(entry, attempts=entry.attempts + 1)
            error = None if self._streams.begin(entry, event.event_id) else self._failure(event)
        self._streams.acknowledge(entry, event.event_id, self._settings.done_for_sec)

    def _failure(self, event: Event) -> str | None:
        what = f"{self._group}: {event.topic} {event.event_id}"
        return failure_of(lambda: self._handler(event), what, lambda: {**self._named(), **event.names})

    def _named(self) -> dict[str, object]:
        return {"group": self._group}

    def _event_of(self, entry: Entry) -> Event | None:
        if entry.fields is None:
            self._is_parked(entry, None, TRIMMED)
            return None
        try:
            return read_event(entry.fields)
        except InputError as error:
            self._is_parked(entry, None, error.what)
            return None

    def _is_parked(self, entry: Entry, event: Event | None, error: str) -> bool:
        item_id = entry.entry_id if event is None else str(event.event_id)
        parked = Parked(
            group=self._group, topic=entry.topic, item_id=item_id, error=error, attempts=entry.attempts, event=event
        )
        if (
            failure_of(lambda: self._on_parked(parked), f"{self._group}: parking {item_id}", lambda: parked.names)
            is not None
        ):
            return False
        self._streams.give_up(entry, error)
        return True
