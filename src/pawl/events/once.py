"""A handler that takes each event up once, as far as its memory reaches."""

from collections import OrderedDict
from uuid import UUID

from pawl.events.bus import Event, Handler

__all__ = ["Once"]


class Once:
    """Calls the handler unless it has dealt with the event among the last `remembered` ones. One thread at a time.

    >>> from datetime import UTC, datetime
    >>> seen = []
    >>> once = Once(lambda event: seen.append(event.topic), remembered=100)
    >>> event = Event(event_id=UUID(int=1), topic="new_prediction", at=datetime(2024, 1, 1, tzinfo=UTC), payload={})
    >>> once(event), once(event), seen
    (None, None, ['new_prediction'])
    """

    def __init__(self, handler: Handler, remembered: int) -> None:
        self._handler, self._remembered = handler, remembered
        self._done: OrderedDict[UUID, None] = OrderedDict()

    def __call__(self, event: Event) -> None:
        """Remembered only when the handler has ended well: one that failed is called again."""
        if event.event_id in self._done:
            return
        self._handler(event)
        self._done[event.event_id] = None
        if len(self._done) > self._remembered:
            self._done.popitem(last=False)
