"""The similarity rule against a plain comparison of every pair."""

from datetime import timedelta
from itertools import combinations
from math import inf, isfinite, nan, sqrt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pawl.datasets.similarity import CONTEXT_COLUMNS, EQUAL_COLUMNS, ContextScale, SimilaritySettings, similar_pairs
from pawl.errors import SchemaError
from trajectory_rows import trajectories

SCALE = ContextScale({"volatility": 0.01, "funding": 0.001, "oi_change": 0.1})
SPLITS = ("split",)


def pairs(rows: pl.DataFrame, settings: SimilaritySettings = SimilaritySettings()) -> set[frozenset[str]]:  # noqa: B008 - a frozen value
    found = similar_pairs(rows, SCALE, settings, SPLITS)
    ids = rows["trajectory_id"].to_list()
    return {frozenset((ids[i], ids[j])) for i, j in zip(found.first, found.second, strict=True)}


def read_plainly(rows: pl.DataFrame, settings: SimilaritySettings) -> set[frozenset[str]]:
    """Section 7.4, pair by pair."""

    def is_similar(one: dict[str, object], other: dict[str, object]) -> bool:
        contexts = [[float(str(row[name])) for name in CONTEXT_COLUMNS] for row in (one, other)]
        if not all(isfinite(value) for context in contexts for value in context):
            return False
        keys = (*EQUAL_COLUMNS, *SPLITS)
        if any(one[name] is None or one[name] != other[name] for name in keys):
            return False
        squares = [((x - y) / SCALE.spreads[name]) ** 2 for x, y, name in zip(*contexts, CONTEXT_COLUMNS, strict=True)]
        apart = abs(one["decided_at"] - other["decided_at"])  # type: ignore[operator]  # both are instants
        return sqrt(sum(squares) / 3) <= settings.max_context_distance and bool(apart <= timedelta(days=7))

    listed = list(rows.iter_rows(named=True))
    return {
        frozenset((str(one["trajectory_id"]), str(other["trajectory_id"])))
        for one, other in combinations(listed, 2)
        if is_similar(one, other)
    }


changes = st.fixed_dictionaries(
    {
        "hours": st.integers(0, 400),
        "ticker": st.sampled_from(["BTCUSDT", "ETHUSDT"]),
        "market_regime": st.sampled_from(["up", "down", None]),
        "split": st.sampled_from(["train", "train", "eval", None]),
        "volatility": st.sampled_from([0.01, 0.018, 0.04, nan, inf]),
        "funding": st.sampled_from([0.0, 0.0009, 0.003]),
    }
)


@given(st.lists(changes, max_size=14))
def test_pass_r21_the_pairs_are_those_of_a_plain_comparison(changed: list[dict[str, object]]) -> None:
    rows = trajectories(*changed)
    assert pairs(rows) == read_plainly(rows, SimilaritySettings())


@pytest.mark.parametrize("name", ["ticker", "market_regime", "session_band", "horizon_sec", "split"])
def test_pass_r21_each_key_alone_keeps_two_apart(name: str) -> None:
    assert pairs(trajectories({}, {})) == {frozenset(("t0000", "t0001"))}
    other: object = 3600 if name == "horizon_sec" else "other"
    assert pairs(trajectories({}, {name: other})) == set()
    assert pairs(trajectories({name: None}, {name: None})) == set()


@pytest.mark.parametrize(("hours", "n_pairs"), [(168.0, 1), (168.001, 0)])
def test_pass_r21_decisions_lie_a_week_apart_at_most(hours: float, n_pairs: int) -> None:
    assert len(pairs(trajectories({"hours": 0}, {"hours": hours}))) == n_pairs


@pytest.mark.parametrize(("shift", "n_pairs"), [(1.7, 1), (1.74, 0)])
def test_pass_r21_the_distance_is_the_root_mean_square_in_spreads(shift: float, n_pairs: int) -> None:
    # One of three columns moved by s spreads: s / √3 ≤ 1 up to s = 1.732.
    assert len(pairs(trajectories({"volatility": 0.0}, {"volatility": shift * 0.01}))) == n_pairs


def test_pass_r21_a_smaller_limit_lets_fewer_through() -> None:
    # 0.8 / √3 is 0.46 spreads, 0.9 / √3 is 0.52.
    near, far = (trajectories({"volatility": 0.0}, {"volatility": shift * 0.01}) for shift in (0.8, 0.9))
    half = SimilaritySettings(max_context_distance=0.5)
    assert (len(pairs(near, half)), len(pairs(far, half))) == (1, 0)


def test_pass_r21_every_split_keeps_its_sides_apart() -> None:
    rows = trajectories({}, {}).with_columns(fold=pl.Series(["a", "b"]))
    assert similar_pairs(rows, SCALE, SimilaritySettings(), ("split", "fold")).first.size == 0
    assert similar_pairs(rows, SCALE, SimilaritySettings(), ("split",)).first.size == 1


def test_a_column_that_never_varied_must_be_equal() -> None:
    constant = ContextScale({"volatility": 0.01, "funding": 0.0, "oi_change": 0.0})
    rows = trajectories({}, {}, {"funding": 0.0002})
    found = similar_pairs(rows, constant, SimilaritySettings(), SPLITS)
    assert (found.first.tolist(), found.second.tolist()) == ([0], [1])
    nothing_varies = ContextScale(dict.fromkeys(CONTEXT_COLUMNS, 0.0))
    assert similar_pairs(rows, nothing_varies, SimilaritySettings(), SPLITS).first.tolist() == [0]


def test_the_earlier_decision_comes_first_whatever_the_order_of_rows() -> None:
    found = similar_pairs(trajectories({"hours": 5}, {"hours": 1}), SCALE, SimilaritySettings(), SPLITS)
    assert (found.first.tolist(), found.second.tolist()) == ([1], [0])


def test_what_is_not_compared_is_counted() -> None:
    rows = trajectories({}, {}, {}, {}, {"volatility": nan}, {"split": None})
    found = similar_pairs(rows, SCALE, SimilaritySettings(max_compared=1), SPLITS)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [(0, 1), (1, 2), (2, 3)]
    assert (found.n_unplaced, found.n_cut_off) == (2, 2)
    assert similar_pairs(rows, SCALE, SimilaritySettings(max_compared=3), SPLITS).n_cut_off == 0


def test_a_crowded_block_costs_no_more_than_its_limit_of_comparisons() -> None:
    rows = trajectories({}).select(pl.all().repeat_by(20_000).explode())
    rows = rows.with_columns(trajectory_id=pl.int_range(pl.len()).cast(pl.String))
    found = similar_pairs(rows, SCALE, SimilaritySettings(max_compared=5), SPLITS)
    assert found.first.size == 5 * 20_000 - (1 + 2 + 3 + 4 + 5)
    assert found.n_cut_off == 20_000 - 6


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_rows_give_no_pair(n: int) -> None:
    found = similar_pairs(trajectories({}).head(n), SCALE, SimilaritySettings(), SPLITS)
    assert (found.first.size, found.n_unplaced, found.n_cut_off) == (0, 0, 0)


def test_the_scale_comes_from_finite_values_alone() -> None:
    rows = trajectories({"volatility": 1.0}, {"volatility": 3.0}, {"volatility": nan}, {"volatility": inf})
    assert ContextScale.fitted(rows).spreads["volatility"] == pytest.approx(sqrt(2))
    assert ContextScale.fitted(rows.clear()).spreads == dict.fromkeys(CONTEXT_COLUMNS, 0.0)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(SchemaError, match="`funding` is missing"):
        similar_pairs(trajectories({}).drop("funding"), SCALE, SimilaritySettings(), SPLITS)


@pytest.mark.parametrize("wrong", [{"max_days_apart": 7.1}, {"max_context_distance": 0.0}, {"max_compared": 0}])
def test_settings_wider_than_the_rule_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        SimilaritySettings.model_validate(wrong)
