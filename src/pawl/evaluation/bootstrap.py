"""Intervals for figures of dependent days: blocks of days are drawn again, in whole, so that what hangs together stays.

Stationary bootstrap: Politis, Romano, Journal of the American Statistical Association 1994. Moving blocks: Künsch,
Annals of Statistics 1989 (here on a circle, so that every day is drawn as often as any other).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from pawl.errors import InputError

__all__ = [
    "Blocks",
    "Estimate",
    "Resampling",
    "Statistic",
    "draw_days",
    "interval",
    "interval_over_rows",
    "mean_of",
    "net_return_of",
    "paired_interval",
    "ratio_of",
    "sharpe_of",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Statistic = Callable[[Floats], Floats]
"""Samples of days, (k, n) or (k, n, c), to one figure each, (k,)."""

CELLS_AT_ONCE = 2_000_000


class Blocks(StrEnum):
    """How long a drawn block is."""

    STATIONARY = "stationary"  # geometric, with the given mean
    MOVING = "moving"  # always the given length


class Resampling(BaseModel):
    """How intervals are drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_resamples: int = Field(1000, ge=20, le=100_000, description="resamples, count")
    block_days: int = Field(10, ge=1, le=250, description="(mean) length of a block, days")
    level: float = Field(0.95, gt=0, lt=1, description="share of the resamples inside the interval")
    blocks: Blocks = Field(Blocks.STATIONARY, description="how long a drawn block is")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its percentile interval: all NaN without a day, bounds NaN where most resamples had no figure."""

    value: float
    low: float
    high: float


NOTHING = Estimate(float("nan"), float("nan"), float("nan"))


def draw_days(n_days: int, resampling: Resampling, rng: np.random.Generator) -> Iterator[Ints]:
    """Day indices in chunks of (k, n_days), `n_resamples` rows in all.

    >>> days = next(draw_days(5, Resampling(n_resamples=20, block_days=2), np.random.Generator(np.random.PCG64(1))))
    >>> days.shape, int(days.min()) >= 0, int(days.max()) <= 4
    ((20, 5), True, True)
    """
    if n_days < 1:
        raise InputError("no day to draw from", where="bootstrap", fix="hand in at least one day")
    chunk = max(1, CELLS_AT_ONCE // n_days)
    place = np.arange(n_days)
    for drawn in range(0, resampling.n_resamples, chunk):
        shape = (min(chunk, resampling.n_resamples - drawn), n_days)
        if resampling.blocks is Blocks.MOVING:
            begins = np.broadcast_to(place % resampling.block_days == 0, shape)
        else:
            begins = rng.random(shape) < 1.0 / resampling.block_days
            begins[:, 0] = True
        begun = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
        first_days = rng.integers(0, n_days, shape)
        yield (np.take_along_axis(first_days, begun, axis=1) + place - begun) % n_days


def interval(days: Floats, statistic: Statistic, resampling: Resampling, rng: np.random.Generator) -> Estimate:
    """A statistic of (n_days,) or (n_days, c) daily values, with its interval.

    >>> daily = np.array([0.01, -0.02, 0.03, 0.01])
    >>> found = interval(daily, mean_of, Resampling(n_resamples=200), np.random.Generator(np.random.PCG64(1)))
    >>> round(found.value, 4), found.low < found.value < found.high
    (0.0075, True)
    """
    if not len(days):
        return NOTHING
    drawn = [statistic(days[chosen]) for chosen in draw_days(len(days), resampling, rng)]
    return _estimate(float(statistic(days[None])[0]), np.concatenate(drawn), resampling.level)


def paired_interval(
    days: Floats, other: Floats, statistic: Statistic, resampling: Resampling, rng: np.random.Generator
) -> Estimate:
    """The statistic of `days` less that of `other`, both on the same days in every resample.

    >>> daily = np.array([0.01, -0.02, 0.03, 0.01])
    >>> rng = np.random.Generator(np.random.PCG64(1))
    >>> found = paired_interval(daily + 0.01, daily, mean_of, Resampling(n_resamples=200), rng)
    >>> round(found.low, 6), round(found.value, 6), round(found.high, 6)
    (0.01, 0.01, 0.01)
    """
    if len(days) != len(other):
        raise InputError(
            f"{len(days)} days cannot be paired with {len(other)}", where="bootstrap", fix="hand in the same days"
        )
    if not len(days):
        return NOTHING
    drawn = [statistic(days[chosen]) - statistic(other[chosen]) for chosen in draw_days(len(days), resampling, rng)]
    value = float(statistic(days[None])[0] - statistic(other[None])[0])
    return _estimate(value, np.concatenate(drawn), resampling.level)


def interval_over_rows(
    day_of_row: Ints, metric: Callable[[Ints], float], resampling: Resampling, rng: np.random.Generator
) -> Estimate:
    """A metric of rows (many a day), its days drawn in blocks: `metric` gets row indices, with repetition.

    day_of_row: (n_rows,), anything that sorts as the days do. For a paired difference let `metric` give the difference.

    >>> hits, day = np.array([1.0, 0.0, 1.0, 1.0]), np.array([1, 1, 2, 3])
    >>> rng = np.random.Generator(np.random.PCG64(1))
    >>> interval_over_rows(day, lambda rows: float(hits[rows].mean()), Resampling(n_resamples=50), rng).value
    0.75
    """
    if not day_of_row.size:
        return NOTHING
    _, codes = np.unique(day_of_row, return_inverse=True)
    by_day = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    starts = np.cumsum(counts) - counts
    drawn = [
        metric(by_day[_spread(starts[chosen], counts[chosen])])
        for chunk in draw_days(counts.size, resampling, rng)
        for chosen in chunk
    ]
    return _estimate(metric(np.arange(day_of_row.size)), np.array(drawn), resampling.level)


def _spread(starts: Ints, counts: Ints) -> Ints:
    """starts[i], starts[i] + 1, …, counts[i] of them, one after the other."""
    ends = np.cumsum(counts)
    return np.asarray(np.arange(ends[-1]) + np.repeat(starts - ends + counts, counts), np.int64)


def _estimate(value: float, drawn: Floats, level: float) -> Estimate:
    measured = drawn[np.isfinite(drawn)]
    if measured.size < drawn.size / 2:
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.quantile(measured, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high))


def mean_of(days: Floats) -> Floats:
    """Mean of (k, n) daily values, a row."""
    return np.asarray(days.mean(axis=1))


def ratio_of(days: Floats) -> Floats:
    """Sum of the first column over sum of the second of (k, n, 2): a mean a trade or row from sums and counts a day."""
    sums = days.sum(axis=1)
    ratios: Floats = np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] != 0)
    return ratios


def net_return_of(days: Floats) -> Floats:
    """Compounded return of (k, n) daily returns, a row, fraction."""
    return np.asarray(np.prod(1.0 + days, axis=1) - 1.0)


def sharpe_of(days_per_year: float) -> Statistic:
    """The Sharpe ratio a year of (k, n) daily returns, a row; NaN where they do not vary.

    >>> sharpe_of(1.0)(np.array([[0.01, 0.03]])).round(6).tolist()
    [1.414214]
    """

    def statistic(days: Floats) -> Floats:
        spread = days.std(axis=1, ddof=1) if days.shape[1] > 1 else np.zeros(len(days))
        varies = spread > 1e-14 * np.abs(days).max(axis=1)
        sharpe: Floats = np.divide(days.mean(axis=1), spread, out=np.full(len(days), np.nan), where=varies)
        return sharpe * float(np.sqrt(days_per_year))

    return statistic
