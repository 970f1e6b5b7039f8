"""What tests of the relay share: a bus that keeps what it is given, and what they write and look at in the outbox."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from ledger_world import START, day
from pawl.errors import StorageError
from pawl.events.bus import Event, Handler
from pawl.events.event_settings import EventSettings
from pawl.ledger.database import Ledger
from pawl.ledger.loop_outbox import announce, unpublished
from pawl.ledger.loop_payloads import LoopPayload

__all__ = ["SETTINGS", "Recorder", "now", "tell", "waiting"]

SETTINGS = EventSettings(poll_sec=0.05, backoff_base_sec=0.01, backoff_max_sec=0.05)


class Recorder:
    """A bus that keeps what it is given. is_down: it does not answer. forgets: it has settled nothing."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.is_down = self.forgets = False
        self.n_tries = 0

    def subscribe(self, topics: Sequence[str], group: str, handler: Handler) -> None:
        raise AssertionError(topics, group, handler)

    def publish(self, events: Sequence[Event]) -> None:
        self.n_tries += 1
        if self.is_down:
            raise StorageError("the bus does not answer", where="here", fix="start it")
        self.events.extend(events)

    def settled(self, event_ids: Collection[UUID]) -> set[UUID]:
        return set() if self.forgets else set(event_ids)

    def close(self) -> None:
        pass


def now() -> datetime:
    """The loop's clock, which stands."""
    return day(5)


def tell(ledger: Ledger, *payloads: LoopPayload) -> None:
    """Announce events, in one transaction."""
    with ledger.transaction() as tx:
        for one in payloads:
            announce(tx, one, START)


def waiting(ledger: Ledger) -> list[tuple[UUID, int]]:
    """What waits to be published, with its attempts."""
    with ledger.reading() as tx:
        return [(one.event_id, one.attempts) for one in unpublished(tx, 1000)]
