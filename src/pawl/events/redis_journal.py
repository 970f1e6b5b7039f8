"""What Redis has written to its append-only file. While the disk is slow, its answers go ahead of that."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["RedisJournal", "read_journal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisJournal:
    """run: this life of the server; another one begins with what was written. is_kept: whether it writes a file at all.

    is_written: whether all that it answered before is written there. With `appendfsync always` an answer says so; with
    `everysec` Redis puts a write off, for two seconds at most, while the disk is still busy with the one before.
    """

    run: str
    is_kept: bool
    is_written: bool


def read_journal(client: "Redis") -> RedisJournal | None:
    """As it is now; None where Redis answers no questions about itself. RedisError when it does not answer at all."""
    asking: Any = client  # its answers are typed for two ways of waiting at once
    try:
        with asking.pipeline(transaction=False) as together:  # on one connection, so in one life
            together.info("server")
            together.info("persistence")
            server, persistence = together.execute()
    except ResponseError as error:
        if "BUSY " in str(error):  # with a script, and before and after it will answer
            raise
        return None
    if "run_id" not in server or "aof_enabled" not in persistence:  # a server of another make
        return None
    is_kept = bool(persistence["aof_enabled"])
    is_written = not is_kept or persistence["aof_buffer_length"] == 0
    return RedisJournal(run=str(server["run_id"]), is_kept=is_kept, is_written=is_written)
