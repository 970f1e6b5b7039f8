"""Features from less history: the frames they are computed from are the ones that were asked for."""

from collections.abc import Callable

import numpy as np
import polars as pl

from pawl.features.feature import Feature, FeatureSet
from pawl.features.recomputation import at_cuts, in_windows

Walk = Callable[..., pl.DataFrame]

# How many bars the frame of a ticker holds, and of all tickers together.
SIZES = FeatureSet(
    name="sizes",
    features=(
        Feature(name="own", expression=lambda: pl.len().over("ticker").cast(pl.Int64), inputs=(), lookback=3,
                unit="rows", meaning="-"),
        Feature(name="all", expression=lambda: pl.len().cast(pl.Int64), inputs=(), lookback=3,
                unit="rows", meaning="-"),
    ),
)  # fmt: skip


def two_tickers(walk: Walk) -> pl.DataFrame:
    return pl.concat([walk(5, ticker="A"), walk(3, ticker="B")])


def test_a_cut_keeps_the_bars_of_all_tickers_up_to_and_with_it(walk: Walk) -> None:
    bars = two_tickers(walk)
    days = bars.get_column("ts").unique().sort()
    found = at_cuts(bars, SIZES, [days[1], days[4]])

    assert found.select("ticker", "own", "all").rows() == [("A", 2, 4), ("B", 2, 4), ("A", 5, 8)]
    assert found.get_column("ts").to_list() == [days[1], days[1], days[4]]


def test_a_window_holds_its_rows_alone(walk: Walk) -> None:
    bars = two_tickers(walk)
    last_close = FeatureSet(
        name="x",
        features=(Feature(name="oldest", expression=lambda: pl.col("close").first().over("ticker"), inputs=("close",),
                          lookback=3, unit="price", meaning="-"), SIZES.features[0]),
    )  # fmt: skip
    found = in_windows(bars, last_close, np.array([0, 2, 5]), np.array([1, 4, 5]))

    assert found.get_column("oldest").to_list() == [bars.get_column("close")[row] for row in (0, 2, 5)]
    assert found.get_column("own").to_list() == [2, 3, 1]
