"""The boosted head: what it fits, and that its bytes are the model."""

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError
from sklearn.multioutput import MultiOutputRegressor

from pawl.errors import CorruptArtifactError, SchemaError
from pawl.models.boosted import BoostedHead, fit_boosted_head
from pawl.models.head_config import HeadConfig

CONFIG = HeadConfig(n_estimators=30, learning_rate=0.1, min_child_samples=20)
NAMES = ("ret_5", "rsi_14", "event_rebound_candidate", "curv_2")


def _sample(seed: int = 1, n_rows: int = 800) -> tuple[pl.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, 4))
    frame = pl.DataFrame(x, schema=list(NAMES)).with_columns(pl.col("event_rebound_candidate") > 0)
    is_rebound = x[:, 0] + 0.5 * rng.normal(size=n_rows) > 0.3
    return frame, is_rebound, 2 * x[:, 1] + rng.normal(size=n_rows), -np.abs(x[:, 3] + 0.2 * rng.normal(size=n_rows))


@pytest.fixture(scope="module")
def head() -> BoostedHead:
    return fit_boosted_head(*_sample(), CONFIG, 11)


def test_m002_r28_the_classifier_has_600_estimators_and_binary_logloss() -> None:
    fitted = fit_boosted_head(*_sample(), HeadConfig(num_leaves=3), 11)
    classifier = lgb.Booster(model_str=fitted.models["classifier"])
    assert classifier.num_trees() == 600
    assert "objective=binary sigmoid:1" in fitted.models["classifier"]
    assert all(lgb.Booster(model_str=fitted.models[part]).num_trees() == 600 for part in ("return", "drawdown"))


def test_m002_r28_it_predicts_what_lightgbm_and_multioutputregressor_predict(head: BoostedHead) -> None:
    x, is_rebound, returns, drawdowns = _sample()
    matrix = x.cast(pl.Float64).to_numpy()
    options = {**CONFIG.model_dump(), "subsample_freq": 1, "random_state": 11, "n_jobs": 1, "verbosity": -1}
    options |= {"deterministic": True, "force_row_wise": True}
    classifier = lgb.LGBMClassifier(objective="binary", **options).fit(matrix, is_rebound)
    both = MultiOutputRegressor(lgb.LGBMRegressor(**options)).fit(matrix, np.column_stack([returns, drawdowns]))
    new = _sample(2)[0]
    predicted = head.predict(new)
    new_matrix = new.cast(pl.Float64).to_numpy()
    np.testing.assert_allclose(predicted.rebound_prob, classifier.booster_.predict(new_matrix), rtol=1e-12)
    expected = [estimator.booster_.predict(new_matrix) for estimator in both.estimators_]
    np.testing.assert_allclose(np.array([predicted.ret_pct, predicted.dd_pct]), expected, rtol=1e-12)


def test_m002_r28_both_targets_are_predicted_out_of_sample(head: BoostedHead) -> None:
    x, is_rebound, returns, drawdowns = _sample(2)
    predicted = head.predict(x)
    assert np.corrcoef(predicted.rebound_prob, is_rebound)[0, 1] > 0.5
    assert np.corrcoef(predicted.ret_pct, returns)[0, 1] > 0.7
    assert np.corrcoef(predicted.dd_pct, drawdowns)[0, 1] > 0.7


def test_m002_r42_a_loaded_head_predicts_to_the_byte_what_the_fitted_one_did(head: BoostedHead) -> None:
    loaded = BoostedHead.from_files(head.to_files())
    assert loaded.features == NAMES
    new = _sample(3)[0]
    for fresh, again in zip(head.predict(new), loaded.predict(new), strict=True):
        assert fresh.tobytes() == again.tobytes()
    assert loaded.to_files() == head.to_files()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(head: BoostedHead) -> None:
    assert fit_boosted_head(*_sample(), CONFIG, 11).to_files() == head.to_files()
    assert fit_boosted_head(*_sample(), CONFIG, 12).to_files() != head.to_files()


def test_a_row_is_predicted_alike_alone_and_among_others_in_any_order_of_columns(head: BoostedHead) -> None:
    new = _sample(3)[0]
    whole = head.predict(new)
    alone = head.predict(new[41:42].select(reversed(NAMES)))
    assert [part[0] for part in alone] == [part[41] for part in whole]


def test_importance_names_the_features_and_finds_the_one_that_counts(head: BoostedHead) -> None:
    importance = head.importance()
    assert tuple(importance) == NAMES
    assert max(importance, key=importance.__getitem__) == "ret_5"
    assert min(importance.values()) >= 0


def test_m002_r26_a_null_in_training_is_refused_by_name() -> None:
    x, *targets = _sample()
    with pytest.raises(SchemaError, match="`rsi_14`"):
        fit_boosted_head(x.with_columns(rsi_14=None), *targets, CONFIG, 11)


def test_m002_r41_a_missing_column_at_prediction_is_named(head: BoostedHead) -> None:
    with pytest.raises(SchemaError, match="`curv_2`"):
        head.predict(_sample()[0].drop("curv_2"))


@pytest.mark.parametrize("name", ["head.json", "head_classifier.txt", "head_return.txt", "head_drawdown.txt"])
def test_a_missing_file_is_named(head: BoostedHead, name: str) -> None:
    files = head.to_files()
    del files[name]
    with pytest.raises(CorruptArtifactError, match=name):
        BoostedHead.from_files(files)


@pytest.mark.parametrize("name", ["head_classifier.txt", "head_return.txt", "head_drawdown.txt"])
def test_a_changed_or_shortened_model_is_refused(head: BoostedHead, name: str) -> None:
    files = head.to_files()
    for wrong in (files[name].replace(b"leaf_value=", b"leaf_value=1", 1), files[name][:-200], b""):
        with pytest.raises(CorruptArtifactError, match=name):
            BoostedHead.from_files({**files, name: wrong})


@pytest.mark.parametrize("index", [b"{}", b'{"features": 3, "sha256": {}}', b'{"features": ["a"], "sha256": 5}'])
def test_an_index_that_is_none_is_refused(head: BoostedHead, index: bytes) -> None:
    with pytest.raises(CorruptArtifactError):
        BoostedHead.from_files({**head.to_files(), "head.json": index})


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError):
        HeadConfig.model_validate({"num_leafs": 3})
