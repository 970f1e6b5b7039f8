"""What nobody can guess: tokens, pseudonyms of users, and keys of requests that bring none."""

import secrets
from uuid import UUID

__all__ = ["TOKEN_PREFIX", "new_key", "new_token", "new_user_id"]

TOKEN_PREFIX = "pawl_"
"""So that a token that lies where it should not is recognised as one."""


def new_token() -> str:
    """A token of 32 random bytes.

    >>> new_token()[:5], len(new_token()), new_token() == new_token()
    ('pawl_', 48, False)
    """
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def new_user_id() -> UUID:
    """A pseudonym that follows from nothing.

    >>> new_user_id().version
    4
    """
    return UUID(bytes=secrets.token_bytes(16), version=4)


def new_key() -> str:
    """An idempotency key that no other request has.

    >>> len(new_key())
    32
    """
    return secrets.token_hex(16)
