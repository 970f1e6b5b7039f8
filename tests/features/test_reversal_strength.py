"""Strength of the set `reversal`, against a plain loop with our start, and TA-Lib once its start is forgotten."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import polars as pl
import talib

from pawl.features.sets import build_dataset

Walk = Callable[..., pl.DataFrame]

SETTLED = 320


def wilder(values: list[float], rows: int) -> list[float]:
    """Mean of the first `rows` values, then (rows − 1) / rows of it and 1 / rows of the new one."""
    out, known = [math.nan] * len(values), [n for n, value in enumerate(values) if not math.isnan(value)]
    start = known[0]
    mean = sum(values[start : start + rows]) / rows
    out[start + rows - 1] = mean
    for n in range(start + rows, len(values)):
        mean = (mean * (rows - 1) + values[n]) / rows
        out[n] = mean
    return out


def by_loop(bars: pl.DataFrame) -> tuple[list[float], list[float], list[float]]:
    """+DI, −DI and ADX of 14, bar by bar, as Wilder writes them; means start as plain means."""
    plus, minus, ranges = [math.nan], [math.nan], [math.nan]
    rows = bars.to_dicts()
    for before, now in pairwise(rows):
        up, down = now["high"] - before["high"], before["low"] - now["low"]
        plus.append(up if up > down and up > 0 else 0.0)
        minus.append(down if down > up and down > 0 else 0.0)
        ranges.append(
            max(now["high"] - now["low"], abs(now["high"] - before["close"]), abs(now["low"] - before["close"]))
        )
    smooth = wilder(ranges, 14)
    plus_di = [100 * p / r for p, r in zip(wilder(plus, 14), smooth, strict=True)]
    minus_di = [100 * m / r for m, r in zip(wilder(minus, 14), smooth, strict=True)]
    strength = [100 * abs(p - m) / (p + m) for p, m in zip(plus_di, minus_di, strict=True)]
    return plus_di, minus_di, wilder(strength, 14)


def test_rev_r3_direction_is_that_of_a_plain_loop(walk: Walk) -> None:
    bars = walk(150, 6)
    found = build_dataset(bars, "reversal").collect()
    for name, expected in zip(("plus_di_14", "minus_di_14", "adx_14"), by_loop(bars), strict=True):
        np.testing.assert_allclose(found[name].to_numpy(), expected, rtol=1e-10)
    assert found["plus_di_14"].null_count() == 14
    assert found["adx_14"].null_count() == 27


def test_rev_r3_direction_is_that_of_talib_once_its_start_is_forgotten(walk: Walk) -> None:
    # TA-Lib sums 13 values and lets them fade; Wilder, and we, start from the mean of 14.
    bars = walk(900, 7)
    high, low, close = (bars[name].to_numpy() for name in ("high", "low", "close"))
    found = build_dataset(bars, "reversal").collect()
    pairs = {"plus_di_14": talib.PLUS_DI, "minus_di_14": talib.MINUS_DI, "adx_14": talib.ADX}
    for name, theirs in pairs.items():
        ours, reference = found[name].to_numpy(), theirs(high, low, close, 14)
        np.testing.assert_allclose(ours[2 * SETTLED :], reference[2 * SETTLED :], rtol=1e-8)
        assert np.nanmax(np.abs(ours[:80] - reference[:80])) > 1e-3


def test_rev_r3_aroon_is_that_of_talib_ties_included(walk: Walk) -> None:
    bars = walk(400, 9)
    coarse = bars.with_columns(pl.col(name).round(0) for name in ("high", "low"))
    for each in (bars, coarse):
        high, low = each["high"].to_numpy(), each["low"].to_numpy()
        ours = build_dataset(each, "reversal").collect()["aroon_osc_25"].to_numpy()
        np.testing.assert_allclose(ours, talib.AROONOSC(high, low, 25), rtol=0, atol=1e-9)
