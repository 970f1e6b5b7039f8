"""Faults planted into clean bars, with a record of each: what data checks are tried on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from pawl.errors import InputError
from pawl.market.bars import BAR_SCHEMA, UTC_TIME

__all__ = ["PLANTED_SCHEMA", "Dirt", "soil"]

PLANTED_SCHEMA = pl.Schema({"ticker": pl.String(), "ts": UTC_TIME, "fault": pl.String(), "n_bars": pl.Int64()})

SPACING = 40  # bars between faults, so that each can be told from its neighbours
MARGIN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Dirt:
    """Faults to plant into every ticker, counts; gap_bars and stale_bars say how long a gap and a stale run are."""

    gaps: int = 2
    duplicates: int = 2
    ohlc_violations: int = 2
    spikes: int = 1
    stale_runs: int = 1
    gap_bars: int = 4
    stale_bars: int = 8
    spike_factor: float = 3.0


def soil(bars: pl.DataFrame, dirt: Dirt, rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Plant faults: the soiled bars (BAR_SCHEMA), and what was planted where (PLANTED_SCHEMA, `ts` of its first bar).

    InputError where a ticker has too few bars to keep the faults 40 apart, or a run is longer than 30 bars.
    """
    plan: list[tuple[str, Callable[[pl.DataFrame, int, Dirt], pl.DataFrame], int, int]] = [
        ("gap", _cut, dirt.gaps, dirt.gap_bars),
        ("duplicate", _duplicate, dirt.duplicates, 1),
        ("ohlc_violation", _break, dirt.ohlc_violations, 1),
        ("spike", _spike, dirt.spikes, 1),
        ("stale_run", _freeze, dirt.stale_runs, dirt.stale_bars),
    ]
    soiled, planted = [], []
    for (ticker,), clean in bars.group_by("ticker", maintain_order=True):
        places = iter(_places(clean.height, sum(count for _, _, count, _ in plan), dirt, rng))
        rows = clean.with_row_index("place")
        for fault, plant, count, n_bars in plan:
            for place in (next(places) for _ in range(count)):
                rows = plant(rows, place, dirt)
                planted.append((ticker, clean["ts"][place], fault, n_bars))
        soiled.append(rows.drop("place"))
    return pl.concat(soiled).select(BAR_SCHEMA.names()), pl.DataFrame(planted, schema=PLANTED_SCHEMA, orient="row")


def _places(n_bars: int, n_faults: int, dirt: Dirt, rng: np.random.Generator) -> list[int]:
    n_blocks = n_bars // SPACING
    if n_faults > n_blocks or max(dirt.gap_bars, dirt.stale_bars) > SPACING - 2 * MARGIN:
        raise InputError(
            f"no room for {n_faults} faults in {n_bars} bars", where="Dirt", fix=f"ask for {SPACING * n_faults} bars"
        )
    return [int(block) * SPACING + MARGIN for block in rng.permutation(n_blocks)[:n_faults]]


def _cut(rows: pl.DataFrame, place: int, dirt: Dirt) -> pl.DataFrame:
    return rows.filter(~pl.col("place").is_between(place, place + dirt.gap_bars - 1))


def _duplicate(rows: pl.DataFrame, place: int, dirt: Dirt) -> pl.DataFrame:
    """The same bar once more, with another close."""
    twin = rows.filter(pl.col("place") == place).with_columns(close=(pl.col("high") + pl.col("low")) / 2)
    return pl.concat([rows, twin]).sort("place", maintain_order=True)


def _break(rows: pl.DataFrame, place: int, dirt: Dirt) -> pl.DataFrame:
    """A high below the low."""
    return rows.with_columns(high=pl.when(pl.col("place") == place).then(pl.col("low") * 0.99).otherwise("high"))


def _spike(rows: pl.DataFrame, place: int, dirt: Dirt) -> pl.DataFrame:
    """A close far off for one bar, with a high to match."""
    here = pl.col("place") == place
    close = pl.col("close") * dirt.spike_factor
    return rows.with_columns(
        close=pl.when(here).then(close).otherwise("close"),
        high=pl.when(here).then(pl.max_horizontal(close, "high")).otherwise("high"),
        low=pl.when(here).then(pl.min_horizontal(close, "low")).otherwise("low"),
    )


def _freeze(rows: pl.DataFrame, place: int, dirt: Dirt) -> pl.DataFrame:
    """Flat bars at the last price, without volume."""
    price = float(rows.filter(pl.col("place") == place - 1)["close"][0])
    frozen = pl.col("place").is_between(place, place + dirt.stale_bars - 1)
    values = {name: pl.when(frozen).then(price).otherwise(name) for name in ("open", "high", "low", "close")}
    return rows.with_columns(**values, volume=pl.when(frozen).then(0.0).otherwise("volume"))
