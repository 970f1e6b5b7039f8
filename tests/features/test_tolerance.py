"""How far a number may move, and what that may tip over."""

import polars as pl
import pytest

from pawl.features.feature import Feature, FeatureKind, FeatureSet
from pawl.features.tolerance import TOLERANCE, near_limit_cells, tolerated


def declared(name: str, reads: dict[str, int], limits: tuple[tuple[str, float], ...] = ()) -> Feature:
    return Feature(
        name=name, expression=lambda: pl.lit(0), inputs=tuple(reads), input_rows=tuple(reads.values()), lookback=9,
        unit="-", meaning="-", kind=FeatureKind.INDICATOR, limits=limits,
    )  # fmt: skip


def test_the_scale_is_the_median_size_on_the_ticker_of_the_row() -> None:
    frame = pl.DataFrame({"ticker": list("AAABB"), "x": [1.0, -2.0, 3.0, 1000.0, None]})

    assert tolerated(frame, "x").to_list() == pytest.approx([2 * TOLERANCE] * 3 + [1000 * TOLERANCE] * 2)


def test_a_column_of_zeros_has_scale_one() -> None:
    assert tolerated(pl.DataFrame({"ticker": ["A"], "x": [0.0]}), "x").to_list() == [TOLERANCE]


def test_a_row_is_near_when_a_compared_number_lies_within_its_tolerance_of_the_limit() -> None:
    x = [40.0, 40.0 + 30e-6, 40.0 + 50e-6, None, 100.0]
    frame = pl.DataFrame({"ticker": ["A"] * 5, "x": x, "is_low": [True] * 5})
    features = FeatureSet(name="s", features=(declared("is_low", {"x": 1}, (("x", 40.0),)),))

    assert near_limit_cells(frame, features)["is_low"].tolist() == [True, True, False, False, False]


def test_what_reads_a_near_row_is_near_inside_its_ticker_and_its_rows() -> None:
    frame = pl.DataFrame({"ticker": list("AAAAABB"), "x": [9.0, 1.0, 9.0, 9.0, 1.0, 9.0, 9.0]})
    event = declared("event", {"x": 1}, (("x", 1.0),))
    count = declared("count", {"event": 3})
    count_twice = declared("count_twice", {"count": 2})
    near = near_limit_cells(frame, FeatureSet(name="s", features=(count_twice, count, event)))

    assert near["event"].tolist() == [False, True, False, False, True, False, False]
    assert near["count"].tolist() == [False, True, True, True, True, False, False]
    assert near["count_twice"].tolist() == [False, True, True, True, True, False, False]
