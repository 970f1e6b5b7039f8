"""Who asks: tokens looked up in the ledger, and remembered for a few seconds."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from pawl.ledger.database import Ledger
from pawl.ledger.tokens import token_hash, user_of

__all__ = ["TokenBook"]

MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class _Entry:
    user_id: UUID
    until: float


class TokenBook:
    """The tokens of a ledger. remember_sec: after this long at most a revoked token is refused. clock: seconds.

    What is remembered is found by the hash of a token, so a token is never compared to another one, and none is kept.
    A token that holds nowhere is looked up each time: a new one works at once.
    """

    def __init__(self, ledger: Ledger, remember_sec: float, clock: Callable[[], float]) -> None:
        self.ledger = ledger
        self.remember_sec = remember_sec
        self.clock = clock
        self._entries: dict[str, _Entry] = {}

    async def user_of(self, token: str) -> UUID | None:
        """Whom a token acts as; None for one that does not hold."""
        hashed, now = token_hash(token), self.clock()
        entry = self._entries.get(hashed)
        if entry is not None and now < entry.until:
            return entry.user_id
        user_id = await asyncio.to_thread(self._look_up, token)
        if user_id is None:
            self._entries.pop(hashed, None)
            return None
        if len(self._entries) >= MAX_REMEMBERED:
            self._entries.clear()
        # From when it was asked for, not from when the answer came: the promise is about the revocation.
        self._entries[hashed] = _Entry(user_id, now + self.remember_sec)
        return user_id

    def _look_up(self, token: str) -> UUID | None:
        with self.ledger.reading() as tx:
            return user_of(tx, token)
