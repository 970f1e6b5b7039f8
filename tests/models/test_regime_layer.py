"""Layer 1: whose probabilities the head's rows get, and that workers change nothing."""

import joblib
import numpy as np
import pytest

from pawl.models.regime_classifier import RegimeFitSpec, fit_regime_classifier
from pawl.models.regime_config import RegimeConfig
from pawl.models.regime_layer import RegimeFold, RegimeLayer, RegimePlan, fit_regime_layer
from pawl.models.sequences import Sequences, build_sequences

N = 400
SPEC = RegimeFitSpec(features=("a", "b"), config=RegimeConfig(hidden=4, max_epochs=2, batch_size=64), seed=9)


def rows(start: int, stop: int) -> np.ndarray:
    mask = np.zeros(N, dtype=bool)
    mask[start:stop] = True
    return mask


PLAN = RegimePlan(
    folds=(
        RegimeFold(fitted=rows(0, 100), snapshot=rows(105, 130), answered=rows(135, 200)),
        RegimeFold(fitted=rows(0, 165), snapshot=rows(170, 195), answered=rows(200, 300)),
    ),
    serving=RegimeFold(fitted=rows(0, 250), snapshot=rows(255, 300), answered=rows(0, 0)),
)


@pytest.fixture(scope="module")
def market() -> tuple[Sequences, np.ndarray]:
    values = np.random.default_rng(2).normal(size=(N, 2)).astype(np.float32)
    sequences = build_sequences(values, np.zeros(N, int), np.arange(N), np.ones(N, bool))
    return sequences, np.digitize(values[:, 0], [-0.8, -0.2, 0.4, 1.0]).astype(np.int64)


def fitted(market: tuple[Sequences, np.ndarray], n_jobs: int = 1) -> RegimeLayer:
    with joblib.parallel_config(backend="loky", n_jobs=n_jobs, inner_max_num_threads=1):
        return fit_regime_layer(*market, PLAN, SPEC, lambda stage, fraction: None)


@pytest.fixture(scope="module")
def layer(market: tuple[Sequences, np.ndarray]) -> RegimeLayer:
    return fitted(market)


def test_m002_r24_every_row_is_answered_by_the_classifier_of_its_own_fold(
    market: tuple[Sequences, np.ndarray], layer: RegimeLayer
) -> None:
    assert layer.ends.tolist() == list(range(135, 300))
    for number, fold in enumerate(PLAN.folds):
        assert not (fold.answered & (fold.fitted | fold.snapshot)).any()
        spec = RegimeFitSpec(features=SPEC.features, config=SPEC.config, seed=9000 + number)
        alone = fit_regime_classifier(*market, fitted=fold.fitted, snapshot=fold.snapshot, spec=spec).classifier
        ends = np.flatnonzero(fold.answered)
        answer = layer.probabilities[np.isin(layer.ends, ends)]
        np.testing.assert_array_equal(answer, alone.predict_ends(market[0], ends))


def test_m002_r24_what_comes_after_a_fold_changes_none_of_its_answers(
    market: tuple[Sequences, np.ndarray], layer: RegimeLayer
) -> None:
    sequences, states = market
    values = sequences.values.copy()
    values[200:] += 3.0
    again = fitted((Sequences(values, sequences.ends, 20), np.where(np.arange(N) < 200, states, 4 - states)))
    is_first = layer.ends < 200
    np.testing.assert_array_equal(again.probabilities[is_first], layer.probabilities[is_first])
    assert not np.array_equal(again.probabilities[~is_first], layer.probabilities[~is_first])


def test_two_workers_give_the_bytes_of_one(market: tuple[Sequences, np.ndarray], layer: RegimeLayer) -> None:
    assert fitted(market, n_jobs=2).to_files() == layer.to_files()


def test_the_figures_are_those_of_the_classifier_that_serves(
    market: tuple[Sequences, np.ndarray], layer: RegimeLayer
) -> None:
    spec = RegimeFitSpec(features=SPEC.features, config=SPEC.config, seed=9002)
    serving = fit_regime_classifier(*market, fitted=PLAN.serving.fitted, snapshot=PLAN.serving.snapshot, spec=spec)
    assert layer.metrics == serving.metrics
    assert layer.classifier.to_files() == serving.classifier.to_files()


def test_m002_r42_files_give_the_same_layer_back(layer: RegimeLayer) -> None:
    loaded = RegimeLayer.from_files(layer.to_files())
    assert loaded.to_files() == layer.to_files()
    np.testing.assert_array_equal(loaded.probabilities, layer.probabilities)
    np.testing.assert_array_equal(loaded.classifier.confusion, layer.classifier.confusion)


def test_a_figure_that_is_no_number_comes_back_as_one(layer: RegimeLayer) -> None:
    odd = RegimeLayer(
        classifier=layer.classifier,
        ends=layer.ends,
        probabilities=layer.probabilities,
        metrics={**layer.metrics, "regime_recall_peak": float("nan")},
    )
    assert np.isnan(RegimeLayer.from_files(odd.to_files()).metrics["regime_recall_peak"])


def test_progress_is_told_from_nothing_to_all(market: tuple[Sequences, np.ndarray]) -> None:
    told: list[tuple[str, float]] = []
    fit_regime_layer(*market, PLAN, SPEC, lambda stage, fraction: told.append((stage, fraction)))
    assert [stage for stage, _ in told] == ["regime classifiers"] * 4
    assert [round(fraction, 3) for _, fraction in told] == [0.0, 0.333, 0.667, 1.0]
