"""Ids that follow from what they name: the same thing gets the same id on every machine and in every run."""

from uuid import UUID, uuid5

__all__ = ["NAMESPACE", "SYSTEM_USER", "identity"]

NAMESPACE = UUID("7c1b3b0e-5f0a-5b1e-9a55-6f2f0d9b4a11")
"""Fixed for ever: another one would give everything new ids."""


def identity(kind: str, *parts: object) -> UUID:
    """The UUIDv5 of a thing. kind: what it is. parts: what tells it from others of its kind, in a fixed order.

    >>> identity("version", "m002-1.0") == identity("version", "m002-1.0")
    True
    >>> identity("version", "m002-1.0") == identity("verdict", "m002-1.0")
    False
    """
    # A separator that no part holds, so that ("a", "bc") and ("ab", "c") stay apart.
    return uuid5(NAMESPACE, "\x1f".join([kind, *(str(part) for part in parts)]))


SYSTEM_USER = identity("user", "pawl")
"""The `user_id` of decisions that Pawl takes by itself."""
