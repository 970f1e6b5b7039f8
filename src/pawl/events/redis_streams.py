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
    """attempts: how often it was begun, this time included. fields: None for one that was trimmed off its stream."""

    topic: str
    entry_id: str
    fields: Mapping[str, str] | None
    attempts: int


class GroupStreams:
    """What one consumer of a group does with its streams.

    Redis counts one delivery for giving an entry out, and one for each time it is begun: the count outlives everybody,
    and what only waited behind an entry that kills is not taken for one.
    """

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
        answer = self._client.xreadgroup(
            self._group, self._consumer, dict.fromkeys(self._topics, ">"), count=AT_ONCE, block=int(wait_sec * 1000)
        )
        return [
            Entry(topic=self._topics[stream], entry_id=entry_id, fields=fields, attempts=1)
            for stream, found in answer
            for entry_id, fields in found
        ]

    def own(self) -> Iterator[Entry]:
        """Entries that this consumer was given before, and has not acknowledged; those of a topic in their order."""
        return self._left(self._consumer, None)

    def of_the_dead(self, silent_sec: float) -> Iterator[Entry]:
        """Entries that somebody was given so long ago, and has not acknowledged: they are this consumer's now."""
        return self._left(None, int(silent_sec * 1000))

    def is_own(self, entry: Entry) -> bool:
        """Whether an entry is still this consumer's: what waits for long behind another goes to somebody else."""
        stream, only = self._keys.stream(entry.topic), entry.entry_id
        return bool(self._client.xpending_range(stream, self._group, only, only, 1, consumername=self._consumer))

    def begin(self, entry: Entry, event_id: UUID) -> bool:
        """Count that an entry is begun, and show that it is at hand. Whether the group has dealt with its event before:
        then there is nothing to do.
        """
        stream, counted = self._keys.stream(entry.topic), entry.attempts + 1
        with self._client.pipeline(transaction=False) as both:
            both.xclaim(stream, self._group, self._consumer, 0, [entry.entry_id], retrycount=counted, justid=True)
            both.exists(self._keys.done(self._group, event_id))
            return bool(both.execute()[1])

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

    def _left(self, consumer: str | None, silent_ms: int | None) -> Iterator[Entry]:
        """What lies unacknowledged with a consumer, or with any. One at a time: what is not at hand others may take."""
        for stream, topic in self._topics.items():
            behind = "-"
            while found := self._client.xpending_range(
                stream, self._group, behind, "+", 1, consumername=consumer, idle=silent_ms
            ):
                entry_id, attempts = found[0]["message_id"], int(found[0]["times_delivered"])
                behind = f"({entry_id}"
                held = self._client.xrange(stream, entry_id, entry_id)
                # Claiming one that was trimmed would make Redis forget it before anybody was told.
                if not held or self._is_taken(stream, entry_id, silent_ms or 0):
                    yield Entry(topic=topic, entry_id=entry_id, fields=held[0][1] if held else None, attempts=attempts)

    def _is_taken(self, stream: str, entry_id: str, silent_ms: int) -> bool:
        """Whether an entry is this consumer's from now on; not when another was quicker."""
        return bool(self._client.xclaim(stream, self._group, self._consumer, silent_ms, [entry_id], justid=True))
