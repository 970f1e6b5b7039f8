"""The commands that a consumer group needs, with what they answer as values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from redis.exceptions import ResponseError

from pawl.events.redis_keys import RedisKeys

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["Entry", "GroupStreams"]

AT_ONCE = 10
DEAD_LETTERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """attempts: deliveries, this one included. fields: None for one that was trimmed off its stream."""

    topic: str
    entry_id: str
    fields: Mapping[str, str] | None
    attempts: int


class GroupStreams:
    """What one consumer of a group does with its streams. Redis counts the deliveries: the count outlives everybody."""

    def __init__(self, client: "Redis", keys: RedisKeys, topics: Sequence[str], group: str, consumer: str) -> None:
        self._client: Any = client  # its answers are typed for two protocols and two ways of waiting at once
        self._keys, self._group, self._consumer = keys, group, consumer
        self._topics = {keys.stream(topic): topic for topic in topics}

    def make_groups(self) -> None:
        """A new group begins with what the streams still hold: what was published before it came is not lost to it."""
        for stream in self._topics:
            try:
                self._client.xgroup_create(stream, self._group, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    def new(self, wait_sec: float) -> list[Entry]:
        """Entries that nobody of the group has seen; empty after the wait."""
        answer = self._read(dict.fromkeys(self._topics, ">"), block=int(wait_sec * 1000))
        return [Entry(topic=topic, entry_id=one, fields=fields, attempts=1) for topic, one, fields in answer]

    def own(self) -> Iterator[Entry]:
        """Entries that this consumer was given before, and has not acknowledged; in their order."""
        behind = dict.fromkeys(self._topics, "0")
        while found := self._read(behind, block=None):
            for topic, entry_id, fields in found:
                behind[self._keys.stream(topic)] = entry_id
                yield self._counted(topic, entry_id, fields)

    def of_the_dead(self, silent_sec: float) -> Iterator[Entry]:
        """Entries that another consumer was given so long ago, and has not acknowledged: they are this one's now."""
        for stream, topic in self._topics.items():
            start = "0-0"
            while True:
                start, found, gone = self._client.xautoclaim(
                    stream, self._group, self._consumer, int(silent_sec * 1000), start, count=AT_ONCE
                )
                for entry_id in gone:
                    yield Entry(topic=topic, entry_id=entry_id, fields=None, attempts=1)
                for entry_id, fields in found:
                    yield self._counted(topic, entry_id, fields)
                if start == "0-0":
                    break

    def take_again(self, entry: Entry) -> None:
        """Count one more delivery of an entry, and show that it is being dealt with."""
        stream = self._keys.stream(entry.topic)
        self._client.xclaim(stream, self._group, self._consumer, 0, [entry.entry_id])

    def is_done(self, event_id: UUID) -> bool:
        """Whether the group has dealt with an event, under another entry."""
        return bool(self._client.exists(self._keys.done(self._group, event_id)))

    def acknowledge(self, entry: Entry, event_id: UUID, remember_sec: int) -> None:
        """The group has dealt with the event."""
        with self._client.pipeline(transaction=True) as both:
            both.set(self._keys.done(self._group, event_id), "1", ex=remember_sec)
            both.xack(self._keys.stream(entry.topic), self._group, entry.entry_id)
            both.execute()

    def give_up(self, entry: Entry, error: str) -> None:
        """Move an entry to the dead letters, with its last error."""
        letter = {**(entry.fields or {}), "topic": entry.topic, "entry_id": entry.entry_id, "group": self._group,
                  "error": error, "attempts": entry.attempts}  # fmt: skip
        with self._client.pipeline(transaction=True) as both:
            both.xadd(self._keys.dead_letters, letter, maxlen=DEAD_LETTERS, approximate=True)
            both.xack(self._keys.stream(entry.topic), self._group, entry.entry_id)
            both.execute()

    def _read(self, behind: dict[str, str], block: int | None) -> list[tuple[str, str, Mapping[str, str] | None]]:
        answer = self._client.xreadgroup(self._group, self._consumer, behind, count=AT_ONCE, block=block)
        return [
            (self._topics[stream], entry_id, fields or None) for stream, found in answer for entry_id, fields in found
        ]

    def _counted(self, topic: str, entry_id: str, fields: Mapping[str, str] | None) -> Entry:
        stream = self._keys.stream(topic)
        pending = self._client.xpending_range(stream, self._group, entry_id, entry_id, 1)
        attempts = int(pending[0]["times_delivered"]) if pending else 1
        return Entry(topic=topic, entry_id=entry_id, fields=fields, attempts=attempts)
