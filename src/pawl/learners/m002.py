"""`m002`: a regime LSTM, a multi-task head on its probabilities, and a policy on both; daily long, short or flat."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import polars as pl

from pawl.errors import SchemaError
from pawl.evaluation.classification import average_precision
from pawl.features.gaps import fill_gaps
from pawl.features.sets import FEATURE_SETS, build_dataset
from pawl.labels.rebound import rebound_labels
from pawl.learners.learner import DECISION_COLUMNS, Fit, FitContext, LearnerSpec
from pawl.learners.m002_config import M002Config
from pawl.learners.m002_ready import LAST_READY, ready_frame
from pawl.learners.m002_samples import Samples, layer_key
from pawl.learners.said import ReadyRows, Said, said_in
from pawl.market.bars import Timeframe
from pawl.models.boosted import BoostedHead, fit_boosted_head
from pawl.models.exact_json import from_exact_json, to_exact_json
from pawl.models.linear import LinearHead, fit_linear_head
from pawl.models.regime_classifier import (
    STATE_COLUMNS,
    STATE_MISSING,
    RegimeClassifier,
    RegimeFitSpec,
    ends_among,
    join_states,
    regime_sequences,
)
from pawl.models.regime_layer import RegimeLayer, fit_regime_layer
from pawl.policy.policy_config import PolicyConfig
from pawl.policy.soft_policy import apply_policy, soft_policy_score

__all__ = ["HEAD_FEATURES", "M002", "M002Model", "M002Variant"]

FEATURES = FEATURE_SETS["m002"].names

HEAD_FEATURES = (*FEATURES, *STATE_COLUMNS, STATE_MISSING)
"""What the head reads, in order: baseline, event, curvature and context columns, then the regime's probabilities."""

_EDGE_ACTIONS = {"long": "LONG", "short": "SHORT", "flat": "FLAT"}


class M002Variant(StrEnum):
    """m002 itself, and the two simpler learners it has to beat on the same rows."""

    FULL = "m002"
    LINEAR = "linear"
    BOOSTED = "lightgbm_no_regime"


@dataclass(frozen=True, slots=True, kw_only=True)
class M002Model:
    """The three layers, fitted. regime is None in the baselines. head_features: the head's columns, in order."""

    regime: RegimeClassifier | None
    head: BoostedHead | LinearHead
    head_features: tuple[str, ...]
    policy: PolicyConfig
    trained_state: Mapping[str, float]


class M002:
    """The learner. `M002()` is the full one; its `baselines()` are the same class with less inside."""

    def __init__(self, config: M002Config | None = None, variant: M002Variant = M002Variant.FULL) -> None:
        self.config = config or M002Config()
        self.variant = variant

    @property
    def spec(self) -> LearnerSpec:
        """Daily bars, the m002 set, five bars ahead."""
        return LearnerSpec(
            name=str(self.variant),
            timeframe=Timeframe.parse("1d"),
            feature_set=FEATURE_SETS["m002"],
            foresees="a return of 1 % or more within 5 bars, without a fall of more than 3 % on the way",
            horizon_bars=5,
            embargo_bars=self.config.embargo_bars,
            min_bars=260,
            cadence=timedelta(days=91),
            primary_metric="net_return",
        )

    def label(self, bars: pl.DataFrame) -> pl.DataFrame:
        """ticker, ts, t0, t1, target (rebound, 1 or 0), fut_ret_pct, fut_dd_pct; null where not yet known."""
        labels = rebound_labels(bars.sort("ticker", "ts"), self.spec.horizon_bars)
        target = pl.col("label_rebound_bin").alias("target")
        return labels.select("ticker", "ts", "t0", "t1", target, "fut_ret_pct", "fut_dd_pct")

    def fit(self, bars: pl.DataFrame, context: FitContext) -> Fit[M002Model]:
        """Fit the layers. The newest `reported_share` of the dates is read only to report on."""
        context.on_progress("features and labels", 0.0)
        samples = Samples.of(bars, self.label(bars), self.config, context.report_from)
        layer = self._regime_layer(samples, context) if self.variant is M002Variant.FULL else None
        frame = _with_states(samples, layer) if layer else samples.frame
        context.on_progress("head", 0.0)
        head = self._head(samples, frame, context)
        model = M002Model(
            regime=layer.classifier if layer else None,
            head=head,
            head_features=_head_features(self.variant),
            policy=self.config.policy,
            trained_state={},
        )
        metrics = {**(layer.metrics if layer else {}), **_head_metrics(model, samples, frame)}
        return Fit(model=replace(model, trained_state=metrics), scored_from=samples.scored_from, metrics=metrics)

    def predict(self, model: M002Model, bars: pl.DataFrame, since: datetime | None = None) -> pl.DataFrame:
        """What the model says at the close of each bar: see `predict_frame`."""
        return self.predict_frame(model, build_dataset(bars, "m002").collect(), since)

    def predict_frame(self, model: M002Model, frame: pl.DataFrame, since: datetime | None = None) -> pl.DataFrame:
        """Predictions on a frame that has the m002 features already, for the bars that opened at `since` or later.

        Gives one row a bar in (ticker, ts) order: ticker, date, action (LONG, SHORT, FLAT), position_size,
        policy_score, ex_ante_vol, pred_*, state_prob_*, state_prob_missing, reason, ts, available_at. Rows whose
        features are null or infinite are FLAT and say so. SchemaError names a missing feature column.
        """
        missing = [name for name in FEATURES if name not in frame.columns]
        if missing:
            raise SchemaError(
                f"missing feature columns: {', '.join(missing)}",
                where="m002.predict",
                fix="build them: build_dataset(bars, feature_set='m002')",
            )
        filled = fill_gaps(frame.sort("ticker", "ts"), FEATURE_SETS["m002"])
        is_asked = filled["ts"] >= since if since is not None else pl.repeat(value=True, n=filled.height, eager=True)
        joined = _with_classifier(model.regime, filled, is_asked)
        scored = apply_policy(_with_head(model, joined, is_asked), model.policy)
        return scored.filter(is_asked).select(
            "ticker",
            pl.col("ts").dt.date().alias("date"),
            pl.col("action").replace_strict(_EDGE_ACTIONS),
            "position_size",
            "policy_score",
            "ex_ante_vol",
            "pred_rebound_prob",
            "pred_expected_ret_pct",
            "pred_expected_dd_pct",
            *STATE_COLUMNS,
            STATE_MISSING,
            "reason",
            "ts",
            "available_at",
        )

    def decide(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """The house's words for what `predict` said."""
        return predictions.with_columns(
            pl.col("action").str.to_lowercase(), pl.col("pred_rebound_prob").alias("probability")
        ).select(DECISION_COLUMNS)

    def ready_rows(self, model: M002Model) -> ReadyRows:
        """As many bars as the regime's window and the policy's volatility look back on."""
        window = model.regime.config.seq_len if model.regime else 1
        return ReadyRows(FEATURES, max(window, model.policy.vol_window))

    def say(self, model: M002Model, rows: npt.NDArray[np.float64]) -> Said:
        """The decision at the last row; `predict` decides the same where no gap of a feature had to be filled."""
        return said_in(self.decide(self.predict_frame(model, ready_frame(rows), LAST_READY)))

    def baselines(self) -> Mapping[str, "M002"]:
        """Logistic and ridge regression, and the LightGBM head without the regime layer; none for a baseline."""
        if self.variant is not M002Variant.FULL:
            return {}
        return {str(variant): M002(self.config, variant) for variant in (M002Variant.LINEAR, M002Variant.BOOSTED)}

    def importance(self, model: M002Model) -> Mapping[str, float]:
        """Gain of each input of the head in the rebound probability."""
        return model.head.importance()

    def save(self, model: M002Model) -> Mapping[str, bytes]:
        """The model as safetensors, LightGBM text and JSON."""
        about = {
            "variant": str(self.variant),
            "head_features": list(model.head_features),
            "policy": model.policy.model_dump(),
            "trained_state": {k: v if math.isfinite(v) else None for k, v in model.trained_state.items()},
        }
        regime = model.regime.to_files() if model.regime else {}
        return {**regime, **model.head.to_files(), "m002.json": to_exact_json(about)}

    def load(self, files: Mapping[str, bytes]) -> M002Model:
        """The model from its files."""
        about = from_exact_json(files["m002.json"], "m002.json")
        head = LinearHead if about["variant"] == M002Variant.LINEAR else BoostedHead
        return M002Model(
            regime=RegimeClassifier.from_files(files) if "regime.json" in files else None,
            head=head.from_files(files),
            head_features=tuple(about["head_features"]),
            policy=PolicyConfig.model_validate(about["policy"]),
            trained_state={k: math.nan if v is None else v for k, v in about["trained_state"].items()},
        )

    def _regime_layer(self, samples: Samples, context: FitContext) -> RegimeLayer:
        key = layer_key("regime", samples, _regime_settings(self.config), context.seed)
        stored = context.cache.get(key)
        if stored is not None:
            return RegimeLayer.from_files(stored)
        spec = RegimeFitSpec(features=FEATURES, config=self.config.regime, seed=context.seed)
        layer = fit_regime_layer(samples.sequences, samples.state_ids, samples.plan, spec, context.on_progress)
        context.cache.put(key, layer.to_files())
        return layer

    def _head(self, samples: Samples, frame: pl.DataFrame, context: FitContext) -> BoostedHead | LinearHead:
        settings = {"variant": str(self.variant), "head": self.config.model_dump(include={"head", "linear"})}
        key = layer_key("head", samples, {**_regime_settings(self.config), **settings}, context.seed)
        kind = LinearHead if self.variant is M002Variant.LINEAR else BoostedHead
        stored = context.cache.get(key)
        if stored is not None:
            return kind.from_files(stored)
        rows = frame.filter(samples.is_fitted).filter(_is_usable(_head_features(self.variant)))
        inputs = rows.select(_head_features(self.variant))
        is_rebound = rows.get_column("target").to_numpy() == 1
        returns, drawdowns = (rows.get_column(name).to_numpy() for name in ("fut_ret_pct", "fut_dd_pct"))
        head: BoostedHead | LinearHead
        if kind is LinearHead:
            head = fit_linear_head(inputs, is_rebound, returns, drawdowns, self.config.linear, context.seed)
        else:
            head = fit_boosted_head(inputs, is_rebound, returns, drawdowns, self.config.head, context.seed)
        context.cache.put(key, head.to_files())
        return head


def _head_features(variant: M002Variant) -> tuple[str, ...]:
    """The head's columns in a variant: without a regime layer, the features alone."""
    return HEAD_FEATURES if variant is M002Variant.FULL else FEATURES


def _regime_settings(config: M002Config) -> dict[str, object]:
    return config.model_dump(exclude={"policy", "head", "linear"})


def _is_usable(features: tuple[str, ...]) -> pl.Expr:
    """Every input is there and finite, and the label is known."""
    inputs = pl.all_horizontal(pl.col(name).cast(pl.Float64).is_finite().fill_null(value=False) for name in features)
    return inputs & pl.col("target").is_not_null()


def _with_states(samples: Samples, layer: RegimeLayer) -> pl.DataFrame:
    """The training frame with out-of-fold states on the fitted rows and the serving classifier's on later ones."""
    later = ends_among(samples.sequences, samples.is_later)
    states = layer.classifier.predict_ends(samples.sequences, later)
    return join_states(
        samples.frame, np.concatenate([layer.ends, later]), np.concatenate([layer.probabilities, states])
    )


def _with_classifier(regime: RegimeClassifier | None, frame: pl.DataFrame, is_asked: pl.Series) -> pl.DataFrame:
    if regime is None:
        return join_states(frame, np.empty(0, dtype=np.int64), np.empty((0, len(STATE_COLUMNS))))
    sequences = regime_sequences(frame, regime.features, regime.config.seq_len)
    ends = ends_among(sequences, is_asked.to_numpy())
    return join_states(frame, ends, regime.predict_ends(sequences, ends))


def _with_head(model: M002Model, frame: pl.DataFrame, is_asked: pl.Series) -> pl.DataFrame:
    """Add the head's predictions; null on rows that are not asked for, and where an input is null or infinite."""
    inputs = frame.select(pl.col(name).cast(pl.Float64) for name in model.head_features)
    is_complete = inputs.select(pl.all_horizontal(pl.all().is_finite().fill_null(value=False))).to_series() & is_asked
    predicted = model.head.predict(inputs.filter(is_complete))
    rows = is_complete.arg_true()
    columns = {
        "pred_rebound_prob": predicted.rebound_prob,
        "pred_expected_ret_pct": predicted.ret_pct,
        "pred_expected_dd_pct": predicted.dd_pct,
    }
    empty = pl.Series([None], dtype=pl.Float64).new_from_index(0, frame.height)
    return frame.with_columns(empty.scatter(rows, values).alias(name) for name, values in columns.items())


def _head_metrics(model: M002Model, samples: Samples, frame: pl.DataFrame) -> dict[str, float]:
    """Average precision, MAE of both targets and the mean policy score on the reported block (M002-R29)."""
    usable = frame.filter(samples.is_reported).filter(_is_usable(model.head_features))
    block = _with_head(model, usable, pl.repeat(value=True, n=usable.height, eager=True))
    score = soft_policy_score(
        pl.col("pred_rebound_prob"),
        pl.col("pred_expected_ret_pct"),
        pl.col("pred_expected_dd_pct"),
        model.policy.risk_aversion,
    )
    means = block.select(
        base_rate=pl.col("target").mean(),
        mae_ret_pct=(pl.col("pred_expected_ret_pct") - pl.col("fut_ret_pct")).abs().mean(),
        mae_dd_pct=(pl.col("pred_expected_dd_pct") - pl.col("fut_dd_pct")).abs().mean(),
        mean_policy_score=score.mean(),
    ).row(0, named=True)
    n_fitted = frame.filter(samples.is_fitted).filter(_is_usable(model.head_features)).height
    return {
        "average_precision": average_precision(
            block.get_column("target").to_numpy(), block.get_column("pred_rebound_prob").to_numpy()
        ),
        **{name: math.nan if value is None else float(value) for name, value in means.items()},
        "unlabelled_share": float(np.mean(samples.state_ids < 0)),
        "n_head_rows": float(n_fitted),
    }
