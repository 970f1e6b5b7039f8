"""Down-sampling loses no extreme."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pawl.reports.thinning import MAX_POINTS, thin

numbers = st.one_of(st.floats(-1e9, 1e9), st.none(), st.just(float("nan")))


@given(st.lists(numbers, min_size=1, max_size=300), st.integers(4, 60))
def test_a_thinned_curve_keeps_its_ends_its_order_and_its_extremes(values: list[float | None], n: int) -> None:
    frame = pl.DataFrame({"i": range(len(values)), "y": values}, schema={"i": pl.Int64, "y": pl.Float64})
    thinned = thin(frame, "y", n)
    kept = thinned["i"].to_list()
    assert len(kept) <= max(n, 4)
    assert kept == sorted(set(kept))
    assert (kept[0], kept[-1]) == (0, len(values) - 1)
    known, shown = frame["y"].fill_nan(None), thinned["y"].fill_nan(None)
    assert (shown.min(), shown.max()) == (known.min(), known.max())


def test_a_short_curve_is_left_as_it_is() -> None:
    frame = pl.DataFrame({"y": [float(i % 7) for i in range(MAX_POINTS)]})
    assert thin(frame, "y").equals(frame)


def test_a_long_curve_keeps_a_lone_crash() -> None:
    values = [1.0] * 100_000
    values[61_803] = 0.2
    thinned = thin(pl.DataFrame({"y": values}), "y")
    assert thinned.height <= MAX_POINTS
    assert thinned["y"].min() == 0.2
