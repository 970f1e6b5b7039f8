"""m002 as a whole: what its layers may read, what it predicts, and that it keeps."""

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pawl.errors import CorruptArtifactError, SchemaError, TooLittleDataError
from pawl.features.sets import FEATURE_SETS, build_dataset
from pawl.labels.regime import STATE_TO_ID
from pawl.learners.learner import Fit, FitContext
from pawl.learners.m002 import HEAD_FEATURES, M002, M002Model, M002Variant
from pawl.learners.m002_config import M002Config
from pawl.learners.m002_samples import Samples
from pawl.models.boosted import BoostedHead
from pawl.models.exact_json import from_exact_json, to_exact_json
from pawl.models.linear import LinearHead
from pawl.models.regime_classifier import STATE_COLUMNS, STATE_MISSING
from pawl.policy.policy_config import PolicyConfig

PREDICTED = ["action", "position_size", "ex_ante_vol", "policy_score"] + [
    "pred_rebound_prob",
    "pred_expected_ret_pct",
    "pred_expected_dd_pct",
]


class Shelf:
    """A LayerCache that counts."""

    def __init__(self) -> None:
        self.files: dict[str, Mapping[str, bytes]] = {}
        self.n_found = 0

    def get(self, key: str) -> Mapping[str, bytes] | None:
        self.n_found += key in self.files
        return self.files.get(key)

    def put(self, key: str, files: Mapping[str, bytes]) -> None:
        self.files[key] = files


@pytest.fixture(scope="module")
def samples(m002: M002, silver: pl.DataFrame) -> Samples:
    return Samples.of(silver, m002.label(silver), m002.config)


def test_m002_r10_the_states_are_stored_with_the_model_and_are_a_bijection(m002: M002, fit: Fit[M002Model]) -> None:
    files = dict(m002.save(fit.model))
    stored = from_exact_json(files["regime.json"], "regime.json")["state_to_id"]
    assert stored == dict(STATE_TO_ID)
    assert sorted(stored.values()) == [0, 1, 2, 3, 4]
    assert len(stored) == 5
    about = from_exact_json(files["regime.json"], "regime.json")
    about["state_to_id"] = {**stored, "Peak": 0, "Accumulation": 2}
    with pytest.raises(CorruptArtifactError, match="stored states"):
        m002.load({**files, "regime.json": to_exact_json(about)})


def test_m002_r23_rows_without_a_state_hold_five_zeros_and_say_so(
    m002: M002, fit: Fit[M002Model], silver: pl.DataFrame
) -> None:
    predicted = m002.predict(fit.model, silver)
    assert predicted.height == silver.height
    missing = predicted.filter(pl.col(STATE_MISSING) == 1)
    measured = predicted.filter(pl.col(STATE_MISSING) == 0)
    assert missing.height > 0
    assert measured.height > 0
    assert missing.select(pl.sum_horizontal(STATE_COLUMNS)).to_series().to_list() == [0.0] * missing.height
    np.testing.assert_allclose(measured.select(pl.sum_horizontal(STATE_COLUMNS)).to_series(), 1, atol=1e-6)


def test_m002_r24_states_on_the_head_s_training_rows_come_from_classifiers_that_did_not_train_on_them(
    samples: Samples,
) -> None:
    embargo = 5
    t0, t1 = samples.frame["t0"], samples.frame["t1"]
    instants = t0.unique().sort()
    for fold in samples.plan.folds:
        read = fold.fitted | fold.snapshot
        assert not (read & fold.answered).any()
        # Everything read was known at least the embargo before anything answered for was asked.
        last_known = t1.filter(read).max()
        first_asked = t0.filter(fold.answered).min()
        assert instants.is_between(last_known, first_asked, closed="none").sum() >= embargo
    serving = samples.plan.serving
    assert not ((serving.fitted | serving.snapshot) & samples.is_reported).any()
    answered = np.sum([fold.answered for fold in samples.plan.folds], axis=0)
    assert answered.max() == 1
    assert not (answered.astype(bool) & ~samples.is_fitted).any()


def test_m002_r24_the_layer_measures_fitted_rows_only_in_the_folds(
    m002: M002, silver: pl.DataFrame, samples: Samples
) -> None:
    shelf = Shelf()
    m002.fit(silver, FitContext(seed=3, cache=shelf))
    from safetensors.numpy import load

    layer = next(files for files in shelf.files.values() if "out_of_fold.safetensors" in files)
    ends = load(layer["out_of_fold.safetensors"])["ends"]
    answered = np.flatnonzero(np.any([fold.answered for fold in samples.plan.folds], axis=0))
    assert len(ends) > 0
    assert np.isin(ends, answered).all()


def test_m002_r25_the_head_reads_baseline_regime_event_curvature_and_context_columns_and_no_future(
    m002: M002, fit: Fit[M002Model]
) -> None:
    assert {"ret_1", "rsi_14", "dist_sma20", "event_rebound_candidate", "curv_2", "days_since_volume_regain"} < {
        *HEAD_FEATURES
    }
    assert {*STATE_COLUMNS, STATE_MISSING} < {*HEAD_FEATURES}
    assert not [name for name in HEAD_FEATURES if name.startswith(("fut_", "label", "target", "t0", "t1"))]
    assert m002.load(m002.save(fit.model)).head_features == HEAD_FEATURES
    assert m002.load(m002.save(fit.model)).head.features == HEAD_FEATURES


def test_m002_r26_rows_with_a_null_or_an_infinity_are_not_fitted(
    m002: M002, silver: pl.DataFrame, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[pl.DataFrame] = []

    def watch(x: pl.DataFrame, *rest: object) -> BoostedHead:
        seen.append(x)
        raise TooLittleDataError("seen enough", where="test", fix="none")

    monkeypatch.setattr("pawl.learners.m002.fit_boosted_head", watch)
    with pytest.raises(TooLittleDataError, match="seen enough"):
        M002(m002.config, M002Variant.BOOSTED).fit(silver, FitContext(seed=3))
    values = seen[0].select(pl.all().cast(pl.Float64)).to_numpy()
    assert len(values) > 500
    assert np.isfinite(values).all()
    raw = samples.frame.filter(samples.is_fitted).select(FEATURE_SETS["m002"].names)
    assert raw.height > len(values)  # the first rows of each ticker have nulls, and were left out


def test_m002_r27_the_split_is_by_date_with_five_trading_days_purged(samples: Samples) -> None:
    frame = samples.frame
    last_known = frame["t1"].filter(samples.is_fitted).max()
    first_reported = frame["t0"].filter(samples.is_reported).min()
    assert first_reported == samples.scored_from
    instants = frame["t0"].unique().sort()
    assert instants.is_between(last_known, first_reported, closed="none").sum() >= 5
    share = (instants < first_reported).sum() / len(instants)
    assert share == pytest.approx(0.8, abs=0.01)


def test_m002_r29_the_trained_state_holds_the_metrics_of_both_layers(m002: M002, fit: Fit[M002Model]) -> None:
    state = m002.load(m002.save(fit.model)).trained_state
    assert {"average_precision", "mae_ret_pct", "mae_dd_pct", "mean_policy_score"} <= {*state}
    assert {"regime_train_loss", "regime_valid_loss", "regime_accuracy", "regime_n_sequences"} <= {*state}
    assert all(np.isfinite(state[name]) for name in ("average_precision", "mae_ret_pct", "mae_dd_pct"))


def test_m002_r29_the_figures_are_those_of_the_reported_block(
    m002: M002, fit: Fit[M002Model], silver: pl.DataFrame
) -> None:
    from sklearn.metrics import average_precision_score

    both = m002.predict(fit.model, silver).join(m002.label(silver), on=["ticker", "ts"])
    block = both.filter(pl.col("t0") >= fit.scored_from).drop_nulls(["target", "pred_rebound_prob"])
    assert fit.metrics["average_precision"] == pytest.approx(
        average_precision_score(block["target"], block["pred_rebound_prob"]), abs=1e-12
    )
    error = np.abs(block["pred_expected_ret_pct"].to_numpy() - block["fut_ret_pct"].to_numpy()).mean()
    assert fit.metrics["mae_ret_pct"] == pytest.approx(error, rel=1e-12)


def test_m002_r38_predict_needs_no_future_column_and_gives_all_of_its_own(
    m002: M002, fit: Fit[M002Model], silver: pl.DataFrame
) -> None:
    frame = build_dataset(silver, "m002").collect()
    assert not [name for name in frame.columns if name.startswith(("fut_", "label"))]
    predicted = m002.predict_frame(fit.model, frame)
    assert {*PREDICTED, *STATE_COLUMNS, "ticker", "date"} <= {*predicted.columns}
    assert {*predicted["action"].unique()} <= {"LONG", "SHORT", "FLAT"}
    assert predicted["pred_rebound_prob"].drop_nulls().is_between(0, 1).all()


def test_m002_r39_changing_only_the_policy_reuses_both_layers(m002: M002, silver: pl.DataFrame) -> None:
    shelf = Shelf()
    first = m002.fit(silver, FitContext(seed=3, cache=shelf))
    assert shelf.n_found == 0
    bolder = M002(m002.config.model_copy(update={"policy": PolicyConfig(theta_long=0.004)}))
    second = bolder.fit(silver, FitContext(seed=3, cache=shelf))
    assert shelf.n_found == 2
    assert len(shelf.files) == 2
    assert second.model.policy.theta_long == 0.004
    assert second.model.head.to_files() == first.model.head.to_files()


@pytest.mark.parametrize("what", ["data", "seed", "regime", "features"])
def test_m002_r39_changing_anything_below_the_policy_fits_again(
    m002: M002, silver: pl.DataFrame, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = M002(m002.config, M002Variant.BOOSTED) if what != "regime" else m002
    shelf = Shelf()
    learner.fit(silver, FitContext(seed=3, cache=shelf))
    seed = 4 if what == "seed" else 3
    bars = silver
    if what == "data":
        last = pl.col("ts") == pl.col("ts").max()
        bars = silver.with_columns(
            pl.when(last).then(pl.col("close") * 1.0001).otherwise(pl.col("close")).alias("close")
        )
    if what == "regime":
        regime = m002.config.regime.model_copy(update={"hidden": 9})
        learner = M002(m002.config.model_copy(update={"regime": regime}))
    if what == "features":
        monkeypatch.setattr("pawl.learners.m002_samples.definition_hash", lambda features: "another")
    learner.fit(bars, FitContext(seed=seed, cache=shelf))
    assert shelf.n_found == 0


def test_m002_r41_a_missing_feature_is_named(m002: M002, fit: Fit[M002Model], silver: pl.DataFrame) -> None:
    frame = build_dataset(silver, "m002").collect().drop("curv_2")
    with pytest.raises(SchemaError, match="curv_2"):
        m002.predict_frame(fit.model, frame)


def test_m002_r42_a_loaded_model_predicts_to_the_byte_what_the_saved_one_did(
    m002: M002, fit: Fit[M002Model], silver: pl.DataFrame
) -> None:
    loaded = m002.load(dict(m002.save(fit.model)))
    assert_frame_equal(m002.predict(loaded, silver), m002.predict(fit.model, silver), check_exact=True)
    assert m002.save(loaded) == m002.save(fit.model)


def test_a_row_whose_features_are_null_is_flat_and_says_why(
    m002: M002, fit: Fit[M002Model], silver: pl.DataFrame
) -> None:
    first = m002.predict(fit.model, silver).group_by("ticker", maintain_order=True).first()
    assert first["action"].to_list() == ["FLAT"] * 3
    assert first["reason"].to_list() == ["prediction is missing"] * 3


def test_a_gap_in_the_calendar_leaves_twenty_days_without_a_state(
    m002: M002, fit: Fit[M002Model], silver: pl.DataFrame
) -> None:
    gap = silver["ts"].unique().sort()[400]
    holed = silver.filter((pl.col("ts") != gap) | (pl.col("ticker") != "AAA"))
    after = m002.predict(fit.model, holed).filter((pl.col("ticker") == "AAA") & (pl.col("ts") > gap))
    assert after[STATE_MISSING].head(20).to_list() == [1] * 19 + [0]


def test_the_baselines_are_simpler_learners_of_the_same_rows(m002: M002, silver: pl.DataFrame) -> None:
    baselines = m002.baselines()
    assert {*baselines} == {"linear", "lightgbm_no_regime"}
    fits = {name: learner.fit(silver, FitContext(seed=3)) for name, learner in baselines.items()}
    assert isinstance(fits["linear"].model.head, LinearHead)
    assert isinstance(fits["lightgbm_no_regime"].model.head, BoostedHead)
    full = m002.fit(silver, FitContext(seed=3))
    for fitted in fits.values():
        assert fitted.metrics["n_head_rows"] == full.metrics["n_head_rows"]
        assert fitted.scored_from == full.scored_from
        assert fitted.model.regime is None
    assert M002(M002Config(), M002Variant.LINEAR).baselines() == {}
