"""Fast stretches are repeated in training, and nowhere else."""

from math import isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pawl.datasets.oversampling import OversamplingSettings, oversample_fast
from trajectory_rows import trajectories

SETTINGS = OversamplingSettings(fast_quantile=0.5, n_copies=3)


def test_pass_r15_fast_rows_have_a_higher_share_in_training() -> None:
    rows = trajectories(*({"volatility": value} for value in (0.01, 0.02, 0.03, 0.04)))
    found = oversample_fast(rows, SETTINGS)
    # The median is 0.025: two of four are fast, six of eight once they stand three times.
    assert (found.fast_share_before, found.fast_share, found.n_added) == (0.5, 0.75, 4)
    assert found.rows["trajectory_id"].to_list() == ["t0000", "t0001", *["t0002"] * 3, *["t0003"] * 3]
    assert found.rows["copy"].to_list() == [0, 0, 0, 1, 2, 0, 1, 2]


def test_pass_r15_evaluation_rows_are_neither_repeated_nor_read() -> None:
    rows = trajectories(
        {"volatility": 0.01}, {"volatility": 0.02}, {"volatility": 9.0, "split": "eval"}, {"split": None}
    )
    found = oversample_fast(rows, SETTINGS)
    assert found.rows["trajectory_id"].to_list() == ["t0000", *["t0001"] * 3, "t0002", "t0003"]


def test_fast_is_judged_ticker_by_ticker() -> None:
    quiet: list[dict[str, object]] = [{"ticker": "EURUSD", "volatility": value} for value in (0.0001, 0.0002)]
    wild: list[dict[str, object]] = [{"volatility": value} for value in (0.1, 0.2)]
    assert oversample_fast(trajectories(*quiet, *wild), SETTINGS).rows.filter(copy=2)["volatility"].to_list() == [
        0.0002,
        0.2,
    ]


@pytest.mark.parametrize("value", [None, nan])
def test_an_unknown_volatility_is_not_fast(value: float | None) -> None:
    rows = trajectories({"volatility": value}, {"volatility": 0.01}, {"volatility": 0.02})
    assert oversample_fast(rows, SETTINGS).rows["trajectory_id"].to_list() == ["t0000", "t0001", *["t0002"] * 3]


def test_a_market_that_never_changed_has_no_fast_stretch() -> None:
    found = oversample_fast(trajectories({}, {}), SETTINGS)
    assert (found.n_added, found.fast_share) == (0, 0.0)
    assert isnan(oversample_fast(trajectories({}).clear(), SETTINGS).fast_share)


changes = st.fixed_dictionaries(
    {
        "ticker": st.sampled_from(["A", "B"]),
        "volatility": st.none() | st.integers(1, 9).map(float),
        "split": st.sampled_from(["train", "train", "eval", None]),
    }
)


@given(st.lists(changes, max_size=12), st.floats(0.05, 0.95), st.integers(2, 5))
def test_pass_r15_no_other_side_changes_and_the_share_never_falls(
    changed: list[dict[str, object]], quantile: float, copies: int
) -> None:
    rows = trajectories(*changed)
    found = oversample_fast(rows, OversamplingSettings(fast_quantile=quantile, n_copies=copies))
    assert found.rows.filter(copy=0).drop("copy").equals(rows)
    assert found.rows.filter(found.rows["copy"] > 0)["split"].unique().to_list() in ([], ["train"])
    assert found.rows.height == rows.height + found.n_added
    assert found.n_added == 0 or found.fast_share > found.fast_share_before


@pytest.mark.parametrize("wrong", [{"fast_quantile": 1.0}, {"n_copies": 1}])
def test_settings_that_repeat_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        OversamplingSettings.model_validate(wrong)
