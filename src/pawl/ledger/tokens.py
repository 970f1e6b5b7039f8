"""Tokens of the service: who holds one acts as its user. The ledger keeps their hashes alone."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import InputError, NotFoundError
from pawl.ledger.identity import identity
from pawl.ledger.service_tables import api_tokens

__all__ = [
    "StoredToken",
    "create_token",
    "has_token",
    "list_tokens",
    "revoke_token",
    "token_hash",
    "user_of",
]

MAX_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """What is known of a token; the token itself is not. revoked_at: None while it holds."""

    token_id: UUID
    user_id: UUID
    name: str
    created_at: datetime
    revoked_at: datetime | None


def token_hash(token: str) -> str:
    """SHA-256, hex. A token is 32 random bytes, so that a slow hash would guard nothing more.

    >>> len(token_hash("pawl_x"))
    64
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def create_token(tx: sa.Connection, token: str, user_id: UUID, name: str, now: datetime) -> UUID:
    """Let a token act as a user; its id. name: 1 to 100 printable characters, unique among the tokens that hold.

    InputError for a name that is taken or none.
    """
    if not (0 < len(name) <= MAX_NAME and name.isprintable() and name.strip() == name):
        raise InputError(
            f"the name of a token has {len(name)} characters, or some that cannot be printed",
            where="token",
            fix=f"name it with 1 to {MAX_NAME} printable characters, without spaces around them",
        )
    held = api_tokens.c.name == name, api_tokens.c.revoked_at.is_(None)
    if tx.execute(sa.select(api_tokens.c.token_id).where(*held)).first():
        raise InputError(
            f"a token named `{name}` holds already", where="token", fix="choose another name, or revoke that one first"
        )
    hashed = token_hash(token)
    token_id = identity("token", hashed)
    row = {"token_id": token_id, "user_id": user_id, "name": name, "token_hash": hashed, "created_at": now}
    tx.execute(sa.insert(api_tokens).values(row))
    return token_id


def list_tokens(tx: sa.Connection) -> list[StoredToken]:
    """Every token there ever was, oldest first."""
    c = api_tokens.c
    found = sa.select(c.token_id, c.user_id, c.name, c.created_at, c.revoked_at).order_by(
        c.created_at, c.name, c.token_id
    )
    return [StoredToken(**row) for row in tx.execute(found).mappings()]


def revoke_token(tx: sa.Connection, named: str, now: datetime) -> StoredToken:
    """End a token, by its name or id. NotFoundError where none that holds has it."""
    c = api_tokens.c
    holding = [one for one in list_tokens(tx) if one.revoked_at is None and named in (one.name, str(one.token_id))]
    if not holding:
        raise NotFoundError(f"no token `{named}` that holds", where="token", fix="list them: pawl token ls")
    tx.execute(sa.update(api_tokens).where(c.token_id == holding[0].token_id).values(revoked_at=now))
    return next(one for one in list_tokens(tx) if one.token_id == holding[0].token_id)


def has_token(tx: sa.Connection) -> bool:
    """Whether any token holds."""
    return (
        tx.execute(sa.select(api_tokens.c.token_id).where(api_tokens.c.revoked_at.is_(None)).limit(1)).first()
        is not None
    )


def user_of(tx: sa.Connection, token: str) -> UUID | None:
    """Whom a token acts as; None for one that does not hold.

    It is found by its hash, which tells nobody the token, and compared in constant time.
    """
    hashed = token_hash(token)
    c = api_tokens.c
    row = tx.execute(sa.select(c.user_id, c.token_hash, c.revoked_at).where(c.token_hash == hashed)).one_or_none()
    if row is None or not hmac.compare_digest(row.token_hash, hashed) or row.revoked_at is not None:
        return None
    user_id: UUID = row.user_id
    return user_id
