"""Classification metrics against scikit-learn, ties and empty classes included."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from pawl.evaluation.classification import (
    accuracy,
    average_precision,
    class_recalls,
    confusion_matrix,
    log_loss,
    macro_f1,
    roc_auc,
)

NOTHING = np.empty(0)
scored = st.lists(
    st.tuples(st.integers(0, 1), st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1))), max_size=60
)


@settings(deadline=None)
@given(scored)
def test_ranking_is_scored_as_scikit_learn_does(rows: list[tuple[int, float]]) -> None:
    target = np.array([float(hit) for hit, _ in rows])
    probability = np.array([p for _, p in rows])
    if not target.any():
        assert isnan(average_precision(target, probability))
    else:
        theirs = metrics.average_precision_score(target, probability)
        assert average_precision(target, probability) == pytest.approx(theirs, rel=1e-12)
    if len(set(target)) < 2:
        assert isnan(roc_auc(target, probability))
    else:
        assert roc_auc(target, probability) == pytest.approx(metrics.roc_auc_score(target, probability), rel=1e-12)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_classes_are_scored_as_scikit_learn_does(rows: list[tuple[int, int]]) -> None:
    target, predicted = (np.array(column) for column in zip(*rows, strict=True))
    matrix = confusion_matrix(target, predicted, 5)
    assert matrix.tolist() == metrics.confusion_matrix(target, predicted, labels=range(5)).tolist()
    assert accuracy(matrix) == pytest.approx(metrics.accuracy_score(target, predicted))
    assert macro_f1(matrix) == pytest.approx(metrics.f1_score(target, predicted, average="macro", zero_division=0))
    theirs = metrics.recall_score(target, predicted, labels=range(5), average=None, zero_division=np.nan)
    np.testing.assert_allclose(class_recalls(matrix), theirs)


def test_log_loss_is_that_of_scikit_learn(rng: np.random.Generator) -> None:
    probabilities = rng.dirichlet(np.ones(5), 200)
    probabilities[0] = [1.0, 0.0, 0.0, 0.0, 0.0]
    target = rng.integers(0, 5, 200)
    target[0] = 1  # told impossible
    theirs = metrics.log_loss(target, probabilities, labels=range(5))
    assert log_loss(target, probabilities) == pytest.approx(theirs, rel=1e-12)


def test_nothing_gives_nan() -> None:
    none = np.zeros((5, 5), np.int64)
    assert isnan(average_precision(NOTHING, NOTHING))
    assert isnan(roc_auc(NOTHING, NOTHING))
    assert isnan(accuracy(none))
    assert isnan(macro_f1(none))
    assert np.isnan(class_recalls(none)).all()
    assert isnan(log_loss(NOTHING.astype(np.int64), np.empty((0, 5))))


def test_a_nan_is_never_passed_over() -> None:
    target, holed = np.array([1.0, 0.0, 1.0]), np.array([0.3, np.nan, 0.2])
    assert isnan(average_precision(target, holed))
    assert isnan(roc_auc(target, holed))
    assert isnan(roc_auc(holed, target))
    assert isnan(log_loss(np.array([0]), np.array([[np.nan, 1.0]])))
