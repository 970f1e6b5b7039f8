"""How often a token may ask: a bucket each, that fills again with time."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["RateLimit"]

MAX_BUCKETS = 10_000


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class RateLimit:
    """One bucket a token. per_sec: how fast it fills. burst: what it holds. clock: seconds that never run backwards.

    >>> limit = RateLimit(2.0, 2, lambda: 0.0)
    >>> [limit.wait_sec("a"), limit.wait_sec("a"), limit.wait_sec("a"), limit.wait_sec("b")]
    [0.0, 0.0, 0.5, 0.0]
    """

    def __init__(self, per_sec: float, burst: int, clock: Callable[[], float]) -> None:
        self.per_sec = per_sec
        self.burst = burst
        self.clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def wait_sec(self, who: str) -> float:
        """Take one request out of a bucket: 0 where there was one, else how long until there is."""
        now = self.clock()
        bucket = self._buckets.get(who)
        if bucket is None:
            self._forget_full(now)
            bucket = self._buckets[who] = _Bucket(float(self.burst), now)
        bucket.left = min(float(self.burst), bucket.left + (now - bucket.at) * self.per_sec)
        bucket.at = now
        if bucket.left < 1:
            return (1 - bucket.left) / self.per_sec
        bucket.left -= 1
        return 0.0

    def _forget_full(self, now: float) -> None:
        # A bucket that has filled again is as good as a new one.
        if len(self._buckets) >= MAX_BUCKETS:
            full_after = self.burst / self.per_sec
            self._buckets = {who: each for who, each in self._buckets.items() if now - each.at < full_after}
