"""Paired outcomes of two versions, averaged in blocks of whole days, so that one block tells little of the next."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from pawl.errors import InputError
from pawl.gates.sequence_config import SequenceSettings

__all__ = ["DayBlocks", "block_means", "day_blocks"]

Floats = NDArray[np.float64]
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBlocks:
    """Where blocks lie. start: midnight UTC of the first. days: whole days of each. gap: the beginning of a block that
    is left out, so that no label of the block before reaches into what is counted. horizon: of the labels.
    """

    start: datetime
    days: int
    gap: timedelta
    horizon: timedelta

    def block_of(self, decided_at: datetime) -> int | None:
        """The block a decision counts in, from 0; None before the first and inside a gap."""
        since = decided_at - self.start
        if since < timedelta(0):
            return None
        block = since // (self.days * DAY)
        return block if since - block * self.days * DAY >= self.gap else None

    def n_complete(self, now: datetime) -> int:
        """Blocks of which every label has ended by now."""
        return max(0, (now - self.horizon - self.start) // (self.days * DAY))


def day_blocks(entered_at: datetime, horizon: timedelta, settings: SequenceSettings) -> DayBlocks:
    """Blocks from the first midnight UTC at or after `entered_at`: whole days, as many as hold the horizons asked for.

    >>> blocks = day_blocks(datetime(2026, 1, 1, 9, tzinfo=UTC), timedelta(hours=12), SequenceSettings())
    >>> blocks.start.day, blocks.days
    (2, 2)
    """
    if horizon <= timedelta(0) or entered_at.utcoffset() is None:
        raise InputError(
            f"blocks of labels of {horizon} from {entered_at}", where="online test", fix="give a horizon and a zone"
        )
    at = entered_at.astimezone(UTC)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    days = math.ceil((settings.block_horizons + settings.gap_horizons) * horizon / DAY)
    start = midnight if midnight == at else midnight + DAY
    return DayBlocks(start=start, days=days, gap=settings.gap_horizons * horizon, horizon=horizon)


def block_means(blocks: DayBlocks, decided_at: list[datetime], gain_bps: Floats, now: datetime) -> Floats:
    """Mean gain of each complete block in order, bps; blocks without a decision (a weekend) are left out.

    decided_at, gain_bps: (n,) challenger less champion on the same decision, after costs; NaN while unresolved. A block
    that holds an unresolved one is not complete, and none after it is looked at, so that looks come in order of time.

    >>> blocks = day_blocks(datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=6), SequenceSettings())
    >>> times = [datetime(2026, 1, day, 12, tzinfo=UTC) for day in (1, 1, 3, 4)]
    >>> block_means(blocks, times, np.array([1.0, 3.0, 5.0, 7.0]), datetime(2026, 1, 4, 6, tzinfo=UTC)).tolist()
    [2.0, 5.0]
    """
    if len(decided_at) != len(gain_bps):
        raise InputError(
            f"{len(decided_at)} decisions with {len(gain_bps)} gains", where="online test", fix="hand in one gain each"
        )
    if np.isinf(gain_bps).any():
        raise InputError("a gain is infinite", where="online test", fix="look at the outcome it was computed from")
    n_complete = blocks.n_complete(now)
    found: dict[int, list[float]] = {}
    for at, gain in zip(decided_at, gain_bps, strict=True):
        block = blocks.block_of(at)
        if block is not None and block < n_complete:
            found.setdefault(block, []).append(float(gain))
    means = np.array([math.fsum(found[block]) / len(found[block]) for block in sorted(found)], dtype=np.float64)
    unresolved = np.flatnonzero(np.isnan(means))
    return means[: unresolved[0]] if unresolved.size else means
