"""One try of something that may fail in any way: the outer loop of every thread of the bus."""

import logging
import re
from collections.abc import Callable, Mapping

__all__ = ["failure_of"]

LOG = logging.getLogger("pawl.events")
PASSWORD = re.compile(r"(://[^\s:/@]*:)[^\s/@]+@")


def failure_of(
    act: Callable[[], object], what: str, facts: Callable[[], Mapping[str, object]] | None = None
) -> str | None:
    """None when it worked; else what went wrong, which is logged as well, without the password of an address. what: for
    the log. facts: what the line of the log names beside it, as the id of the event; asked for after the failure.

    >>> failure_of(lambda: None, "nothing") is None
    True
    >>> failure_of(lambda: [][1], "a list")
    'IndexError: list index out of range'
    """
    try:
        act()
    except Exception as error:  # noqa: BLE001 - a worker's outer loop: whatever fails is tried again or parked
        said = PASSWORD.sub(r"\1…@", str(error))
        failure = f"{type(error).__name__}: {said}" if said else type(error).__name__
        named = {"what": what, "reason": failure, **(facts() if facts else {})}
        LOG.warning("%s failed: %s", what, failure, extra={"facts": named})
        return failure
    return None
