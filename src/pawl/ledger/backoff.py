"""How long to wait after a failure: exponentially longer each time, jittered, and always the same for the same item."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Backoff"]

JITTER = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """max_attempts: tries before an item is parked. base_sec, max_sec: first and longest delay, before jitter.

    >>> backoff = Backoff(max_attempts=5, base_sec=1.0, max_sec=60.0)
    >>> [round(backoff.after(n, "event").total_seconds(), 1) for n in (1, 2, 3)]
    [1.3, 2.3, 5.8]
    """

    max_attempts: int
    base_sec: float
    max_sec: float

    def after(self, attempts: int, item: str) -> timedelta:
        """The delay behind the failed attempt of this number (from 1).

        base · 2^(attempts - 1), at most `max_sec`, and up to half as much again, drawn from the item's name: what
        failed together does not come back together. Each is longer than the one before until the cap is reached.
        """
        doublings = min(attempts - 1, 60)  # beyond it the float would overflow, and the cap holds long before
        draw = int.from_bytes(hashlib.sha256(f"{item}/{attempts}".encode()).digest()[:8], "big") / 2**64
        return timedelta(seconds=min(self.base_sec * 2.0**doublings, self.max_sec) * (1 + JITTER * draw))

    def is_over(self, attempts: int) -> bool:
        """Whether an item that failed this often is parked."""
        return attempts >= self.max_attempts
