"""Waits for what other processes say, without holding up the threads of this one."""

import selectors

__all__ = ["wait_readable"]

# Without a descriptor of its own, which would take longer than the wait; not every system has it.
Selector: type[selectors.BaseSelector] = getattr(selectors, "PollSelector", selectors.SelectSelector)


def wait_readable(*descriptors: int) -> None:
    """Until one of the files has something to read, or has ended.

    >>> import socket
    >>> here, there = socket.socketpair()
    >>> with here, there:
    ...     _ = there.send(b"!")
    ...     wait_readable(here.fileno())
    """
    with Selector() as any_of:
        for one in descriptors:
            any_of.register(one, selectors.EVENT_READ)
        any_of.select()
