"""The bus on Redis: a stream for every topic, read by consumer groups; on request the plain channels as well."""

import logging
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self
from uuid import UUID

from pydantic import SecretStr
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from pawl.errors import InputError, StorageError
from pawl.events.bus import Event, Handler, OnParked
from pawl.events.event_settings import URL_VARIABLE, EventSettings
from pawl.events.redis_consumer import RedisConsumer
from pawl.events.redis_journal import RedisJournal, read_journal
from pawl.events.redis_keys import RedisKeys, channel_text, event_fields
from pawl.events.redis_streams import GroupStreams

__all__ = ["RedisBus"]

LOG = logging.getLogger("pawl.events")
CONNECT_SEC, ANSWER_SEC = 2.0, 5.0


class RedisBus:
    """At least once to every group, across the end of any process and, with `appendonly yes`, of Redis.

    consumer: the name of this process, which no other that runs has; one that comes back keeps its own. An event is
    settled when Redis has written it to its file; where Redis came back without, it is published again. Order: that of
    a topic; after a consumer's death what it left comes late.
    """

    def __init__(self, url: SecretStr, settings: EventSettings, consumer: str, on_parked: OnParked) -> None:
        self._settings, self._consumer, self._on_parked = settings, consumer, on_parked
        self._keys = RedisKeys(settings.prefix)
        self._client: Any = _client(url)
        kwargs = self._client.connection_pool.connection_kwargs
        self._where = f"Redis at {kwargs.get('host', kwargs.get('path'))}:{kwargs.get('port', '')}"
        self._threads: list[threading.Thread] = []
        self._groups: set[str] = set()
        self._stop = threading.Event()
        self._open: dict[UUID, Event] = {}  # answered, and perhaps not written yet; in the order of publishing
        self._run = ""  # the life of Redis in which the open ones were published
        self._lock = threading.Lock()
        self._is_warned = False

    def subscribe(self, topics: Sequence[str], group: str, handler: Handler) -> None:
        """As `Bus` says. Processes of one group share its events; a new group begins with what the streams hold.

        InputError for a second handler of a group: in one process they would take each other's events.
        """
        if group in self._groups:
            raise InputError(f"the group `{group}` listens already", where="event bus", fix="name another group")
        self._groups.add(group)
        streams = GroupStreams(self._client, self._keys, topics, group, self._consumer)
        reader = RedisConsumer(streams, group, handler, self._settings, self._on_parked)
        thread = threading.Thread(target=reader.run, args=(self._stop,), name=f"pawl-events-{group}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def publish(self, events: Sequence[Event]) -> None:
        """Append the events to their streams, in one round trip. StorageError as `Bus` says."""
        with self._answering():
            self._look()
            self._append(events)
            self._open.update((one.event_id, one) for one in events)

    def settled(self, event_ids: Collection[UUID]) -> set[UUID]:
        """Those that Redis has written. StorageError where it does not answer."""
        with self._answering():
            if self._open:
                self._look()
            return {one for one in event_ids if one not in self._open}

    def close(self) -> None:
        """End the threads; what they had begun and not acknowledged is dealt with when this consumer comes back."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _append(self, events: Iterable[Event]) -> None:
        with self._client.pipeline(transaction=False) as together:
            for event in events:
                stream, most = self._keys.stream(event.topic), self._settings.max_len
                together.xadd(stream, event_fields(event), maxlen=most, approximate=True)
                if self._settings.is_on_channels:
                    together.publish(event.topic, channel_text(event))
            together.execute()

    def _look(self) -> None:
        """Let go of the open events that are written; publish all of them again where Redis died with some of them."""
        journal = read_journal(self._client)
        if journal is None:  # a hosted Redis often answers no questions about itself: its answer has to do
            self._open.clear()
            return
        self._warn_once(journal)
        if self._open and journal.run != self._run:
            self._append(self._open.values())
        elif journal.is_written:
            self._open.clear()
        self._run = journal.run

    def _warn_once(self, journal: RedisJournal) -> None:
        if not journal.is_kept and not self._is_warned:
            self._is_warned = True
            LOG.warning("%s keeps events in memory alone: set `appendonly yes`, or its end may lose some", self._where)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """For one thread at a time; StorageError where Redis does not answer."""
        with self._lock:
            try:
                yield
            except RedisError as error:
                raise StorageError(
                    f"the event bus does not answer: {error}",
                    where=self._where,
                    fix="start Redis; events wait meanwhile",
                ) from error


def _client(url: SecretStr) -> Redis:
    try:
        return Redis.from_url(
            url.get_secret_value(),
            decode_responses=True,
            encoding_errors="replace",  # what others write there must not stop the reader
            protocol=2,  # the answers of the other one have another shape
            socket_connect_timeout=CONNECT_SEC,
            socket_timeout=ANSWER_SEC,
            retry=Retry(NoBackoff(), 0),  # the relay and the consumers have a back-off of their own
        )
    except ValueError:
        # Not the error's own text: it may quote the URL, with its password.
        raise InputError(
            f"{URL_VARIABLE} is no address of a Redis", where="environment", fix="redis://:PASSWORD@HOST:6379/0"
        ) from None
