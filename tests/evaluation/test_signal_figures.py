"""Macro figures of three classes, against scikit-learn."""

import math

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score

from pawl.evaluation.signal_figures import signal_figures


@pytest.mark.parametrize("seed", range(5))
def test_rev_r23_precision_recall_f1_and_confusion_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target, told = rng.choice(3, 300, p=[0.7, 0.2, 0.1]), rng.choice(3, 300)
    found = signal_figures(target, told)
    assert found.precision == pytest.approx(precision_score(target, told, average="macro"))
    assert found.recall == pytest.approx(recall_score(target, told, average="macro"))
    assert found.f1_score == pytest.approx(f1_score(target, told, average="macro"))
    assert np.array_equal(found.confusion, confusion_matrix(target, told))
    assert found.accuracy == pytest.approx((target == told).mean())
    assert found.hold_share == pytest.approx((told == 0).mean())
    other = target > 0
    assert found.non_hold_recall == pytest.approx((target == told)[other].mean())


def test_rev_r18_always_hold_is_accurate_and_worthless() -> None:
    target = np.repeat([0, 1, 2], [996, 2, 2])
    found = signal_figures(target, np.zeros(1000, np.int64))
    assert found.accuracy == 0.996
    assert found.f1_score < 0.34
    assert (found.non_hold_recall, found.n_signals, found.hold_share) == (0.0, 0, 1.0)


def test_nothing_to_measure_gives_nan() -> None:
    found = signal_figures(np.empty(0, np.int64), np.empty(0, np.int64))
    assert found.n == 0
    assert all(math.isnan(value) for value in (found.precision, found.recall, found.f1_score, found.non_hold_recall))
