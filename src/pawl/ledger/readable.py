"""Waits for what other processes say, without holding up the threads of this one."""

import select

__all__ = ["wait_open", "wait_readable"]

HAS_POLL = hasattr(select, "poll")  # not on Windows


def wait_readable(*descriptors: int) -> None:
    """Until one of the files has something to read, or has ended.

    >>> import socket
    >>> here, there = socket.socketpair()
    >>> with here, there:
    ...     _ = there.send(b"!")
    ...     wait_readable(here.fileno())
    """
    if not HAS_POLL:
        select.select(descriptors, [], [])
        return
    # What `selectors` does for the same takes ten times as long, on the way of every decision to a server.
    poll = select.poll()
    for one in descriptors:
        poll.register(one, select.POLLIN)
    poll.poll()


def wait_open(descriptor: int) -> None:
    """Until the file has something to read or takes something to write, or has ended.

    >>> import socket
    >>> here, there = socket.socketpair()
    >>> with here, there:
    ...     wait_open(here.fileno())
    """
    if not HAS_POLL:
        select.select([descriptor], [descriptor], [])
        return
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLOUT)
    poll.poll()
