"""What stands where in Redis, and how an event is written there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pawl.errors import InputError
from pawl.events.bus import Event
from pawl.ledger.column_types import canonical_json, utc_text

__all__ = ["RedisKeys", "channel_text", "event_fields", "read_event"]


@dataclass(frozen=True, slots=True)
class RedisKeys:
    """prefix: how every key begins.

    >>> keys = RedisKeys("pawl:")
    >>> keys.stream("new_prediction"), keys.dead_letters, keys.done("discord", UUID(int=1))
    ('pawl:new_prediction', 'pawl:dead_letters', 'pawl:done:discord:00000000-0000-0000-0000-000000000001')
    """

    prefix: str

    def stream(self, topic: str) -> str:
        """The stream of a topic."""
        return f"{self.prefix}{topic}"

    @property
    def dead_letters(self) -> str:
        """The stream of what was given up, of every topic and group."""
        return f"{self.prefix}dead_letters"

    def done(self, group: str, event_id: UUID) -> str:
        """There while it is known that the group has dealt with the event."""
        return f"{self.prefix}done:{group}:{event_id}"


def event_fields(event: Event) -> dict[str, str]:
    """The fields of an event's entry in a stream. trace_id: empty for none."""
    return {
        "event_id": str(event.event_id),
        "topic": event.topic,
        "at": utc_text(event.at),
        "trace_id": event.trace_id or "",
        "payload": canonical_json(event.payload),
    }


def channel_text(event: Event) -> str:
    """The JSON of an event on a plain channel: the same fields, with the payload inside."""
    return canonical_json({**event_fields(event), "trace_id": event.trace_id, "payload": event.payload})


def read_event(fields: Mapping[str, str]) -> Event:
    """The event of an entry; InputError for one that somebody else wrote.

    >>> at = datetime.fromisoformat("2024-01-01T00:00Z")
    >>> told = [Event(event_id=UUID(int=1), topic="t", at=at, payload={"n": 1}, trace_id=one) for one in (None, "abc")]
    >>> [read_event(event_fields(event)) for event in told] == told
    True
    """
    try:
        payload = json.loads(fields["payload"])
        if not isinstance(payload, dict):
            raise ValueError("the payload is no object")
        return Event(
            event_id=UUID(fields["event_id"]),
            topic=fields["topic"],
            at=datetime.fromisoformat(fields["at"]),
            payload=payload,
            trace_id=fields["trace_id"] or None,
        )
    except (KeyError, ValueError) as error:
        raise InputError(
            f"an entry that is no event: {error!r}", where="Redis", fix="keep other writers off these keys"
        ) from error
