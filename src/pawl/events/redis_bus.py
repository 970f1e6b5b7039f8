"""The bus on Redis: a stream for every topic, read by consumer groups; on request the plain channels as well."""

import logging
import threading
from collections.abc import Collection, Sequence
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
from pawl.events.redis_keys import RedisKeys, channel_text, event_fields
from pawl.events.redis_streams import GroupStreams

__all__ = ["RedisBus"]

LOG = logging.getLogger("pawl.events")
CONNECT_SEC, ANSWER_SEC = 2.0, 5.0


class RedisBus:
    """At least once to every group, across the end of any process and, with `appendonly yes`, of Redis.

    consumer: the name of this process, which no other that runs has; one that comes back keeps its own. An event is
    settled when Redis has it. Order: that of a topic; after a consumer's death what it left comes late.
    """

    def __init__(self, url: SecretStr, settings: EventSettings, consumer: str, on_parked: OnParked) -> None:
        self._settings, self._consumer, self._on_parked = settings, consumer, on_parked
        self._keys = RedisKeys(settings.prefix)
        self._client: Any = _client(url)
        kwargs = self._client.connection_pool.connection_kwargs
        self._where = f"Redis at {kwargs.get('host', kwargs.get('path'))}:{kwargs.get('port', '')}"
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self._is_checked = False

    def subscribe(self, topics: Sequence[str], group: str, handler: Handler) -> None:
        """As `Bus` says. Processes of one group share its events; a new group begins with what the streams hold."""
        streams = GroupStreams(self._client, self._keys, topics, group, self._consumer)
        reader = RedisConsumer(streams, group, handler, self._settings, self._on_parked)
        thread = threading.Thread(target=reader.run, args=(self._stop,), name=f"pawl-events-{group}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def publish(self, events: Sequence[Event]) -> None:
        """Append the events to their streams, in one round trip. StorageError as `Bus` says."""
        try:
            with self._client.pipeline(transaction=False) as together:
                for event in events:
                    stream, most = self._keys.stream(event.topic), self._settings.max_len
                    together.xadd(stream, event_fields(event), maxlen=most, approximate=True)
                    if self._settings.is_on_channels:
                        together.publish(event.topic, channel_text(event))
                together.execute()
            self._warn_once()
        except RedisError as error:
            raise StorageError(
                f"the event bus does not answer: {error}", where=self._where, fix="start Redis; events wait meanwhile"
            ) from error

    def settled(self, event_ids: Collection[UUID]) -> set[UUID]:
        """All of them: what was published, Redis has."""
        return set(event_ids)

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

    def _warn_once(self) -> None:
        if self._is_checked:
            return
        self._is_checked = True
        try:
            kept = self._client.config_get("appendonly").get("appendonly")
        except RedisError:  # a hosted Redis often answers no questions about itself
            return
        if kept == "no":
            LOG.warning("%s keeps events in memory alone: set `appendonly yes`, or its end may lose some", self._where)


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
