"""One try of something that may fail in any way: the outer loop of every thread of the bus."""

import logging
from collections.abc import Callable

__all__ = ["failure_of"]

LOG = logging.getLogger("pawl.events")


def failure_of(act: Callable[[], object], what: str) -> str | None:
    """None when it worked; else what went wrong, which is logged as well. what: for the log.

    >>> failure_of(lambda: None, "nothing") is None
    True
    >>> failure_of(lambda: [][1], "a list")
    'IndexError: list index out of range'
    """
    try:
        act()
    except Exception as error:  # noqa: BLE001 - a worker's outer loop: whatever fails is tried again or parked
        failure = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        LOG.warning("%s failed: %s", what, failure)
        return failure
    return None
