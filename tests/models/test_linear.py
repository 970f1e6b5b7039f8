"""The linear head against scikit-learn and the closed form."""

import json

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pawl.errors import CorruptArtifactError, SchemaError
from pawl.models.linear import FILE, LinearHead, fit_linear_head
from pawl.models.linear_config import LinearConfig

CONFIG = LinearConfig(inverse_penalty=0.5, ridge_penalty=3.0)
NAMES = ("ret_5", "rsi_14", "constant")


def _sample(seed: int = 1, n_rows: int = 500) -> tuple[pl.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal([0, 50, 0], [0.02, 10, 0], (n_rows, 3))
    frame = pl.DataFrame(x, schema=list(NAMES))
    is_rebound = 50 * x[:, 0] + rng.normal(size=n_rows) > 0
    return frame, is_rebound, 0.1 * x[:, 1] + rng.normal(size=n_rows), 20 * x[:, 0] + rng.normal(size=n_rows)


@pytest.fixture(scope="module")
def head() -> LinearHead:
    return fit_linear_head(*_sample(), CONFIG, 0)


def test_the_probability_is_that_of_scikit_learn(head: LinearHead) -> None:
    x, is_rebound, *_ = _sample()
    reference = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, max_iter=1000, tol=1e-8))
    reference.fit(x.to_numpy(), is_rebound)
    new = _sample(2)[0]
    np.testing.assert_allclose(head.predict(new).rebound_prob, reference.predict_proba(new.to_numpy())[:, 1], atol=1e-4)


def test_both_targets_are_those_of_the_closed_form_of_ridge(head: LinearHead) -> None:
    x, _, returns, drawdowns = _sample()
    scaled = (x.to_numpy() - x.to_numpy().mean(axis=0)) / np.maximum(x.to_numpy().std(axis=0), [1e-9, 1e-9, 1])
    targets = np.column_stack([returns, drawdowns])
    weights = np.linalg.solve(scaled.T @ scaled + 3.0 * np.eye(3), scaled.T @ (targets - targets.mean(axis=0)))
    predicted = head.predict(x)
    expected = scaled @ weights + targets.mean(axis=0)
    np.testing.assert_allclose(np.column_stack([predicted.ret_pct, predicted.dd_pct]), expected, rtol=1e-9)


def test_m002_r42_a_loaded_head_predicts_to_the_byte_what_the_fitted_one_did(head: LinearHead) -> None:
    loaded = LinearHead.from_files(head.to_files())
    new = _sample(3)[0]
    for fresh, again in zip(head.predict(new), loaded.predict(new), strict=True):
        assert fresh.tobytes() == again.tobytes()
    assert loaded.to_files() == head.to_files()


def test_a_row_is_predicted_alike_alone_and_among_others(head: LinearHead) -> None:
    new = _sample(3)[0]
    whole = head.predict(new)
    for row in (0, 41, 499):
        assert [part[0] for part in head.predict(new[row : row + 1])] == [part[row] for part in whole]


def test_the_same_data_give_the_same_bytes(head: LinearHead) -> None:
    assert fit_linear_head(*_sample(), CONFIG, 0).to_files() == head.to_files()


def test_far_out_values_stay_probabilities_and_nan_stays_nan(head: LinearHead) -> None:
    far = pl.DataFrame({"ret_5": [1e9, -1e9, float("nan")], "rsi_14": [50.0] * 3, "constant": [0.0] * 3})
    probability = head.predict(far).rebound_prob
    assert probability[:2].tolist() == [1.0, 0.0]
    assert np.isnan(probability[2])


def test_importance_is_that_of_standardised_features(head: LinearHead) -> None:
    assert tuple(head.importance()) == NAMES
    assert head.importance()["ret_5"] > 5 * head.importance()["rsi_14"]
    assert head.importance()["constant"] == 0


def test_m002_r26_an_infinity_in_training_is_refused_by_name() -> None:
    x, *targets = _sample()
    with pytest.raises(SchemaError, match="`ret_5`"):
        fit_linear_head(x.with_columns(ret_5=pl.lit(float("inf"))), *targets, CONFIG, 0)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(CorruptArtifactError, match=FILE):
        LinearHead.from_files({})


@pytest.mark.parametrize("key", ["features", "standardiser", "coefficients", "intercepts"])
@pytest.mark.parametrize("value", [None, [], [[1.0]], "x"])
def test_unusable_content_is_refused(head: LinearHead, key: str, value: object) -> None:
    stored = {**json.loads(head.to_files()[FILE]), key: value}
    with pytest.raises(CorruptArtifactError):
        LinearHead.from_files({FILE: json.dumps(stored).encode()})
