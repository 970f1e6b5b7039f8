"""Returns and places, by hand on single rows."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from pawl.features.sets import build_dataset

Walk = Callable[..., pl.DataFrame]


def test_returns_and_places_are_their_formulas_on_the_last_row(walk: Walk) -> None:
    bars = walk(80)
    last = build_dataset(bars).collect().row(-1, named=True)
    open_, high, low, close = (bars.get_column(name).to_numpy() for name in ("open", "high", "low", "close"))

    expected = {
        "ret_1": close[-1] / close[-2] - 1,
        "ret_5": close[-1] / close[-6] - 1,
        "ret_10": close[-1] / close[-11] - 1,
        "ret_20": close[-1] / close[-21] - 1,
        "log_ret_1": np.log(close[-1] / close[-2]),
        "hl_range": (high[-1] - low[-1]) / close[-1],
        "co_ret": close[-1] / open_[-1] - 1,
        "dist_sma20": close[-1] / close[-20:].mean() - 1,
        "dist_sma60": close[-1] / close[-60:].mean() - 1,
        "drawdown_60": close[-1] / close[-60:].max() - 1,
        "range_pos_60": (close[-1] - low[-60:].min()) / (high[-60:].max() - low[-60:].min()),
    }
    for name, value in expected.items():
        assert last[name] == pytest.approx(value, rel=1e-12), name


@pytest.mark.parametrize(
    ("name", "first_row"),
    [("ret_1", 1), ("ret_20", 20), ("dist_sma20", 19), ("dist_sma60", 59), ("drawdown_60", 59), ("range_pos_60", 59)],
)
def test_a_feature_begins_when_it_has_its_rows(name: str, first_row: int, walk: Walk) -> None:
    column = build_dataset(walk(80)).collect().get_column(name)

    assert column.is_not_null().arg_true().to_list() == list(range(first_row, 80))


def test_a_price_that_never_moved_has_no_place_in_its_range() -> None:
    day = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 3, 30), "1d", eager=True)
    flat = pl.DataFrame({"ticker": "A", "ts": day}).with_columns(
        [pl.lit(5.0).alias(name) for name in ("open", "high", "low", "close", "volume")]
    )
    last = build_dataset(flat).collect().row(-1, named=True)

    # A division by 0 is null, never NaN or infinite; what divides by the price is 0.
    assert [last[name] for name in ("range_pos_60", "bb_pctb_20", "volume_z_20", "event_local_vol_spike")] == [None] * 4
    assert [last[name] for name in ("ret_1", "curv_2", "bb_width_20", "atr_14", "obv_slope_20")] == [0.0] * 5
    assert last["rsi_14"] == 50.0
