"""Calibration against scikit-learn, and against counting bin by bin."""

from itertools import pairwise
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.calibration import calibration_curve as their_curve

from pawl.evaluation.calibration import brier, calibration_curve, ece

NOTHING = np.empty(0)
judged = st.lists(
    st.tuples(st.one_of(st.integers(0, 10).map(lambda tenth: tenth / 10), st.floats(0, 1)), st.integers(0, 1)),
    min_size=1,
    max_size=60,
)


def columns(rows: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([confidence for confidence, _ in rows]), np.array([float(hit) for _, hit in rows])


@given(judged)
def test_brier_is_that_of_scikit_learn(rows: list[tuple[float, int]]) -> None:
    confidence, hit = columns(rows)
    assert brier(confidence, hit) == pytest.approx(metrics.brier_score_loss(hit, confidence, pos_label=1))


@given(judged, st.sampled_from([1, 4, 10]))
def test_ece_is_what_counting_bin_by_bin_gives(rows: list[tuple[float, int]], bins: int) -> None:
    confidence, hit = columns(rows)
    edges = np.linspace(0, 1, bins + 1)
    total = 0.0
    for low, high in pairwise(edges):
        inside = [(c, h) for c, h in rows if low <= c < high or (high == 1 and c == 1)]
        if inside:
            told, came = (float(np.mean(column)) for column in zip(*inside, strict=True))
            total += len(inside) / len(rows) * abs(came - told)
    assert ece(confidence, hit, bins) == pytest.approx(total, abs=1e-12)


def test_the_curve_is_that_of_scikit_learn(rng: np.random.Generator) -> None:
    confidence = rng.uniform(0, 1, 500)
    hit = (rng.uniform(0, 1, 500) < confidence).astype(float)
    came, told = their_curve(hit, confidence, n_bins=10)
    mine = calibration_curve(confidence, hit)
    assert mine.get_column("hit_share").to_numpy() == pytest.approx(came)
    assert mine.get_column("mean_probability").to_numpy() == pytest.approx(told)
    assert mine.get_column("n").sum() == 500


def test_a_bin_without_a_row_is_nan_and_edges_belong_to_the_bin_above() -> None:
    curve = calibration_curve(np.array([0.5, 1.0]), np.array([1.0, 1.0]), bins=2)
    assert curve.get_column("n").to_list() == [0, 2]
    assert isnan(curve.get_column("hit_share")[0])
    assert isnan(curve.get_column("mean_probability")[0])


def test_an_honest_forecaster_has_no_error_and_a_liar_all_of_it() -> None:
    hit = np.array([1.0, 0.0, 1.0, 0.0])
    assert ece(np.full(4, 0.5), hit) == 0
    assert ece(1 - hit, hit) == 1


def test_nothing_or_a_nan_gives_nan() -> None:
    holed = np.array([0.5, np.nan])
    for metric in (brier, ece):
        assert isnan(metric(NOTHING, NOTHING))
        assert isnan(metric(holed, np.array([1.0, 0.0])))
        assert isnan(metric(np.array([1.0, 0.0]), holed))
    assert calibration_curve(NOTHING, NOTHING).height == calibration_curve(holed, holed).height == 0
