"""The share of rare regimes: reached by leaving out common rows, or not at all."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.datasets.regime_shares import limit_majority
from pawl.errors import QualityError


def rows_of(counts: dict[str, int]) -> pl.DataFrame:
    """Rows of all regimes, one after the other, numbered."""
    names = [name for name, n in counts.items() for _ in range(n)]
    return pl.DataFrame({"market_regime": names}, schema={"market_regime": pl.String}).with_row_index("place")


def limited(counts: dict[str, int], share: float = 0.15) -> dict[str, int]:
    return dict(limit_majority(rows_of(counts), list(counts), share).n_by_regime)


def test_pass_r20_the_majority_is_cut_to_the_share_exactly() -> None:
    shares = limit_majority(rows_of({"up": 985, "down": 15}), ["up", "down"], 0.15)
    assert (dict(shares.n_by_regime), shares.minority, shares.minority_share) == (
        {"down": 15, "up": 85},
        ("down",),
        0.15,
    )
    assert shares.n_by_regime_before == {"down": 15, "up": 985}


def test_pass_r20_no_row_of_the_majority_is_lost_to_rounding() -> None:
    # 21 · 0.85 / 0.15 is 118.99999999999999 to a float.
    assert limited({"up": 500, "down": 21}) == {"up": 119, "down": 21}


def test_pass_r20_a_share_that_is_there_already_costs_nothing() -> None:
    rows = rows_of({"up": 85, "down": 15})
    assert limit_majority(rows, ["up", "down"], 0.15).rows.equals(rows)
    assert limited({"up": 50, "down": 50}) == {"up": 50, "down": 50}


def test_pass_r20_the_largest_regimes_are_cut_first() -> None:
    # Of five regimes two are rare; their 20 rows allow 113 others.
    assert limited({"a": 900, "b": 10, "c": 10, "d": 90, "e": 30}) == {"a": 42, "b": 10, "c": 10, "d": 41, "e": 30}
    assert limited({"a": 900, "b": 20, "d": 300}) == {"a": 57, "b": 20, "d": 56}


@pytest.mark.parametrize(
    ("counts", "minority"),
    [
        ({"a": 3, "b": 9}, ("a",)),
        ({"a": 9, "b": 8, "c": 7}, ("c",)),
        ({"a": 5, "b": 5, "c": 5, "d": 5}, ("a", "b")),
        ({name: 20 - number for number, name in enumerate("abcdefghi")}, ("i", "h", "g", "f")),
    ],
)
def test_the_minority_is_the_rarer_half(counts: dict[str, int], minority: tuple[str, ...]) -> None:
    assert limit_majority(rows_of(counts), list(counts), 0.15).minority == minority


@pytest.mark.parametrize("counts", [{"up": 100}, {"up": 100, "down": 0}, {}, {"up": 0, "down": 0}])
def test_pass_r20_a_share_out_of_reach_fails_with_the_counts(counts: dict[str, int]) -> None:
    with pytest.raises(QualityError) as caught:
        limit_majority(rows_of(counts), list(counts), 0.15)
    assert f"0 of {sum(counts.values())} rows, 15% is needed" in caught.value.what
    assert all(f"{name} {n}" in caught.value.what for name, n in counts.items())


@given(
    st.dictionaries(st.sampled_from("abcdefghi"), st.integers(0, 60), min_size=2),
    st.floats(0.01, 0.9),
)
def test_pass_r20_whatever_is_built_holds_the_share_and_repeats_nothing(counts: dict[str, int], share: float) -> None:
    rows = rows_of(counts)
    try:
        shares = limit_majority(rows, list(counts), share)
    except QualityError:
        assert sum(sorted(counts.values())[: len(counts) // 2]) == 0
        return
    found = dict(shares.rows.group_by("market_regime").len().iter_rows())
    assert {name: n for name, n in shares.n_by_regime.items() if n} == found
    rare = sum(found.get(name, 0) for name in shares.minority)
    assert rare == sum(counts[name] for name in shares.minority)
    assert rare / shares.rows.height == shares.minority_share >= share - 1e-9
    assert shares.rows["place"].is_unique().all()
    assert shares.rows["place"].is_sorted()
    # One more row of the majority would break the share, unless none was left out.
    assert shares.rows.height == rows.height or rare / (shares.rows.height + 1) < share


def test_thinning_is_even_in_time() -> None:
    # The rare rows stand before and among the common ones; among themselves the common ones are numbered 0, 1, 2, ...
    regimes = ["down"] * 10 + ["up"] * 500 + ["down"] * 5 + ["up"] * 500
    rows = pl.DataFrame({"market_regime": regimes}).with_columns(
        place=pl.int_range(pl.len()).over("market_regime").cast(pl.Int64)
    )
    kept = limit_majority(rows, ["up", "down"], 0.15).rows.filter(market_regime="up")["place"]
    assert kept.to_list() == [number * 1000 // 85 for number in range(85)]
