"""Ids that follow from what they name: the same thing gets the same id on every machine and in every run."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from hashlib import sha1
from uuid import UUID, SafeUUID

__all__ = ["NAMESPACE", "SYSTEM_USER", "id_text", "identity", "timed_identity"]

NAMESPACE = UUID("7c1b3b0e-5f0a-5b1e-9a55-6f2f0d9b4a11")
"""Fixed for ever: another one would give everything new ids."""

# Of the 128 bits six are fixed: version 5, variant 1.
_FREE, _FIXED = ~(0xF000 << 64 | 0xC000 << 48), 5 << 76 | 0x8000 << 48
_TIMED = 8 << 76 | 0x8000 << 48
_MILLISECONDS, _BELOW = 2**48 - 1, 80
# UUID refuses assignments; these are what its own __init__ does, without the way there.
_set_number: Callable[[UUID, int], None] = UUID.__dict__["int"].__set__
_set_safety: Callable[[UUID, SafeUUID], None] = UUID.__dict__["is_safe"].__set__
_UNKNOWN = SafeUUID.unknown
_BEGUN = sha1(NAMESPACE.bytes, usedforsecurity=False)


def identity(kind: str, *parts: object) -> UUID:
    """The UUIDv5 of a thing. kind: what it is. parts: what tells it from others of its kind, in a fixed order.

    >>> identity("version", "m002-1.0") == identity("version", "m002-1.0")
    True
    >>> identity("version", "m002-1.0") == identity("verdict", "m002-1.0")
    False
    """
    return _uuid(_digest(kind, parts) & _FREE | _FIXED)


def timed_identity(at: datetime, kind: str, *parts: object) -> UUID:
    """The UUIDv8 of a thing of an instant: the millisecond stands first, so that things of one time lie together.

    An index is then written where it was written last, and not at a page of its own for every id. 74 bits are left to
    tell things of one millisecond apart. Before 1970 the time says nothing more.

    >>> from datetime import UTC
    >>> late, later = (timed_identity(datetime.fromtimestamp(at, UTC), "inference", 1) for at in (9e8, 1e9))
    >>> late < later, late.version, late == timed_identity(datetime.fromtimestamp(9e8, UTC), "inference", 1)
    (True, 8, True)
    """
    millisecond = min(max(int(at.timestamp() * 1000), 0), _MILLISECONDS)
    digest = _digest(kind, parts) & ((1 << _BELOW) - 1)
    return _uuid((millisecond << _BELOW | digest) & _FREE | _TIMED)


def _digest(kind: str, parts: tuple[object, ...]) -> int:
    # A separator that no part holds, so that ("a", "bc") and ("ab", "c") stay apart.
    name = kind
    for part in parts:
        name += f"\x1f{id_text(part) if type(part) is UUID else part}"
    # As uuid.uuid5 makes it, in a sixth of its time; a decision that is written has two ids.
    digest = _BEGUN.copy()
    digest.update(name.encode())
    return int.from_bytes(digest.digest()[:16])


@lru_cache(maxsize=4096)  # a UUID takes longer to write than the digest of a name, and is written several times
def id_text(one: UUID) -> str:
    """An id as text, with its hyphens."""
    return str(one)


def _uuid(number: int) -> UUID:
    made = object.__new__(UUID)  # its __init__ would check for two microseconds what cannot be wrong here
    _set_number(made, number)
    _set_safety(made, _UNKNOWN)
    return made


SYSTEM_USER = identity("user", "pawl")
"""The `user_id` of decisions that Pawl takes by itself."""
