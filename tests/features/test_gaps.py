"""Gaps in features: forward, inside a ticker, and never an old event."""

from collections.abc import Callable

import polars as pl

from pawl.features.events import I_bd_early
from pawl.features.feature import FeatureSet
from pawl.features.gaps import fill_gaps
from pawl.features.price import ret_1
from pawl.features.sets import FEATURE_SETS, build_dataset

Walk = Callable[..., pl.DataFrame]
BOTH = FeatureSet(name="both", features=(ret_1, I_bd_early))


def test_m002_r12_a_gap_is_filled_forward_inside_its_ticker_and_a_leading_null_remains() -> None:
    frame = pl.DataFrame(
        {
            "ticker": list("AAAABBB"),
            "ret_1": [None, 0.1, None, 0.2, None, None, 0.3],
            "I_bd_early": [None, True, None, None, None, True, None],
        }
    )
    filled = fill_gaps(frame, BOTH)

    assert filled.get_column("ret_1").to_list() == [None, 0.1, 0.1, 0.2, None, None, 0.3]
    # An old event is not carried on: a tag that is not known is not set.
    assert filled.get_column("I_bd_early").to_list() == [None, True, False, False, None, True, False]


def test_m002_r12_no_leading_null_of_any_feature_is_filled(walk: Walk) -> None:
    bars = pl.concat([walk(120, seed=1, ticker="A"), walk(120, seed=2, ticker="B")])
    frame = build_dataset(bars).collect()
    filled = fill_gaps(frame, FEATURE_SETS["m002"])

    for name in FEATURE_SETS["m002"].names:
        for ticker in ("A", "B"):
            was, became = (f.filter(pl.col("ticker") == ticker).get_column(name) for f in (frame, filled))
            leading = int(was.is_not_null().arg_max() or 0)
            assert became[:leading].null_count() == leading, name
            assert became[leading:].null_count() == 0, name
