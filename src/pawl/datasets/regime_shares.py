"""The share of rare market regimes: guaranteed by leaving out rows of the common ones, never by repeating rare ones."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from pawl.errors import QualityError

__all__ = ["RegimeShares", "limit_majority"]

# 21 rows at a share of 0.15 allow 119 others, and 21 · 0.85 / 0.15 is 118.99999999999999 to a float.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeShares:
    """What was kept, and how it is shared out. minority: the rarer half of the regimes."""

    rows: pl.DataFrame
    minority: tuple[str, ...]
    minority_share: float
    n_by_regime_before: Mapping[str, int]
    n_by_regime: Mapping[str, int]


def limit_majority(
    rows: pl.DataFrame, regimes: Collection[str], min_share: float, most: int | None = None
) -> RegimeShares:
    """The rows, with those of common regimes thinned evenly in time until the rare ones hold their share.

    rows: market_regime, and in an order that is theirs alone (it tells which ones thinning keeps). regimes: all that
    the market was in, with or without rows. min_share: in (0, 1). The minority is the rarer half of the regimes (one of
    two or three, four of nine; by name where they tie), for a single rare one may be next to nothing by chance. Of the
    others the largest are cut first. most: rows kept at most, every regime cut alike; None for no such limit.
    QualityError, with the counts, where even that cannot give the share: one regime alone, or none of the rare ones.

    >>> rows = pl.DataFrame({"market_regime": ["up"] * 97 + ["down"] * 3})
    >>> dict(limit_majority(rows, ["up", "down"], 0.15).n_by_regime)
    {'down': 3, 'up': 17}
    """
    counts = {name: 0 for name in regimes} | dict(rows.group_by("market_regime").len().iter_rows())
    counts = {name: counts[name] for name in sorted(counts)}
    minority = tuple(sorted(counts, key=counts.__getitem__)[: len(counts) // 2])
    n_minority = sum(counts[name] for name in minority)
    if n_minority == 0:
        held = ", ".join(f"{name} {n}" for name, n in counts.items()) or "nothing"
        raise QualityError(
            f"minority regimes hold 0 of {rows.height} rows, {min_share:.0%} is needed; rows by regime: {held}",
            where="regime shares",
            fix="draw samples from a longer window, or from more regimes",
        )
    allowed = int(n_minority * (1 - min_share) / min_share + ROUNDING)
    limits = {name: counts[name] for name in minority} | _limits(
        {name: n for name, n in counts.items() if name not in minority}, allowed
    )
    if most is not None:
        limits = _scaled(limits, minority, most)
    kept = _thinned(rows, limits)
    return RegimeShares(
        rows=kept,
        minority=minority,
        minority_share=sum(limits[name] for name in minority) / kept.height,
        n_by_regime_before=counts,
        n_by_regime=dict(sorted(limits.items())),
    )


def _limits(counts: Mapping[str, int], allowed: int) -> dict[str, int]:
    """How many of each to keep so that they are `allowed` in all: one level for those above it."""
    limits, left = {}, allowed
    for n_taken, (name, n) in enumerate(sorted(counts.items(), key=lambda item: (item[1], item[0]))):
        limits[name] = min(n, left // (len(counts) - n_taken))
        left -= limits[name]
    return limits


def _scaled(limits: Mapping[str, int], minority: Collection[str], most: int) -> dict[str, int]:
    """The limits cut to `most` in all: rounded up for the rare regimes, so that their share never falls by it."""
    total = sum(limits.values())
    if total <= most:
        return dict(limits)
    rare = {name: -(-limits[name] * most // total) for name in minority}
    left = most - sum(rare.values())
    n_common = total - sum(limits[name] for name in minority)
    return rare | {name: n * left // n_common for name, n in limits.items() if name not in minority}


def _thinned(rows: pl.DataFrame, limits: Mapping[str, int]) -> pl.DataFrame:
    place, n = pl.int_range(pl.len()).over("market_regime"), pl.len().over("market_regime").cast(pl.Int64)
    limit = pl.col("market_regime").replace_strict(limits, return_dtype=pl.Int64)
    # Place i of n is kept when one of the `limit` even steps falls into [i, i + 1).
    return rows.filter(((place + 1) * limit + n - 1) // n > (place * limit + n - 1) // n)
