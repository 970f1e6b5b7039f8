"""`reversal`: a two-headed LSTM that says buy, sell or hold at turning points of currencies, every 15 minutes."""

import hashlib
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import polars as pl

from pawl.evaluation.signal_figures import signal_figures
from pawl.features.segments import ticker_starts
from pawl.features.sets import FEATURE_SETS, build_dataset, definition_hash
from pawl.labels.reversal import HORIZON_BARS, SIGNAL_CLASSES, STOP_ATR, TARGET_ATR, label_reversals
from pawl.learners.learner import DECISION_COLUMNS, Fit, FitContext, LearnerSpec
from pawl.learners.reversal_config import ReversalConfig
from pawl.learners.reversal_samples import BAR, FEATURES, ReversalSamples, windowed
from pawl.learners.said import ReadyRows, Said
from pawl.market.bars import Timeframe
from pawl.market.fingerprint import hash_bars
from pawl.models.exact_json import to_exact_json
from pawl.models.prior import correct_prior
from pawl.models.reversal_checkpoint import Shelf
from pawl.models.reversal_model import ReversalNet
from pawl.models.reversal_sequences import reversal_sequences
from pawl.models.reversal_training import Run, Schedule, Targets, fresh_reversal, measured_on, train_reversal
from pawl.models.scaler import Standardiser
from pawl.models.sequences import Sequences
from pawl.models.signal_answers import SignalModel, balanced_weights, prior_of
from pawl.models.signal_boosted import BoostedSignals, fit_boosted_signals
from pawl.models.signal_linear import LinearSignals, fit_linear_signals
from pawl.policy.held_signal import held_sides

__all__ = ["Reversal", "ReversalVariant"]

Floats = npt.NDArray[np.float64]

_SIDES = {"hold": 0, "buy": 1, "sell": -1}
_ACTIONS = {1: "long", 0: "flat", -1: "short"}
_KINDS: tuple[type[ReversalNet] | type[LinearSignals] | type[BoostedSignals], ...] = (
    ReversalNet,
    LinearSignals,
    BoostedSignals,
)

LOOK_BACK = timedelta(days=14)
"""600 bars before the first that is fitted, weekends and holidays between: what features and windows look back on."""


class ReversalVariant(StrEnum):
    """reversal itself, and the two simpler learners it has to beat on the same rows."""

    FULL = "reversal"
    LINEAR = "linear"
    BOOSTED = "lightgbm"


class Reversal:
    """The learner. `Reversal()` is the full one; its `baselines()` are the same class with a simpler model inside."""

    def __init__(self, config: ReversalConfig | None = None, variant: ReversalVariant = ReversalVariant.FULL) -> None:
        self.config = config or ReversalConfig()
        self.variant = variant

    @property
    def spec(self) -> LearnerSpec:
        """15-minute bars, 38 features, sixteen bars ahead, trained in full once a week."""
        return LearnerSpec(
            name=str(self.variant),
            timeframe=Timeframe.parse("15m"),
            feature_set=FEATURE_SETS["reversal"],
            foresees="a turn: 1.5 ATR against the last 10 bars within 16 bars, before 1.0 ATR with them",
            horizon_bars=HORIZON_BARS,
            embargo_bars=self.config.embargo_bars,
            min_bars=1000,
            cadence=timedelta(days=7),
            primary_metric="net_return",
            reads_back=timedelta(days=31 * self.config.months) + LOOK_BACK,
        )

    def label(self, bars: pl.DataFrame) -> pl.DataFrame:
        """ticker, ts, t0, t1, target (a turn, 1 or 0), signal_id, confidence; null where not yet known."""
        target = (pl.col("signal_id") > 0).cast(pl.Int8).alias("target")
        labels = label_reversals(bars.sort("ticker", "ts"), self.spec.horizon_bars)
        return labels.select("ticker", "ts", "t0", "t1", target, "signal_id", "confidence")

    def fit(self, bars: pl.DataFrame, context: FitContext) -> Fit[SignalModel]:
        """A full training from scratch on the newest months. The newest part of them is read only to report on."""
        context.on_progress("features and labels", 0.0)
        data = windowed(bars, self.label(bars), self.config.network.sequence_length)
        samples = ReversalSamples.of(data, self.config, context.report_from)
        model: SignalModel
        if self.variant is ReversalVariant.FULL:
            model, figures = self._network(samples, hash_bars(bars), context)
        else:
            model, figures = self._baseline(samples, context.seed), {}
        return Fit(model=model, scored_from=samples.scored_from, metrics={**figures, **_report_metrics(model, samples)})

    def predict(self, model: SignalModel, bars: pl.DataFrame, since: datetime | None = None) -> pl.DataFrame:
        """What the model says at the close of each bar, and the side to hold behind it.

        ticker, ts, available_at, signal (buy, sell or hold; null where no whole window ends), confidence, prob_hold,
        prob_buy, prob_sell (as if the classes were equally frequent; the signal is the largest), turn_prob (of a turn,
        under their true shares), atr_14, held (1, −1 or 0), reason.
        """
        frame = build_dataset(bars, "reversal").collect()
        is_asked = frame["ts"] >= since if since is not None else pl.repeat(value=True, n=frame.height, eager=True)
        # The side behind a bar follows from the signals of one horizon, so that many bars before it must answer too.
        earlier = pl.col("asked").shift(1 - HORIZON_BARS, fill_value=True).over("ticker")
        is_needed = frame.select("ticker", asked=is_asked).select(earlier | pl.col("asked")).to_series()
        sequences = reversal_sequences(frame, FEATURES, BAR, self.config.network.sequence_length)
        ends = sequences.ends[is_needed.to_numpy()[sequences.ends]]
        answered = _with_answers(frame, model, sequences, ends)
        return answered.filter(is_asked).select(
            "ticker",
            "ts",
            "available_at",
            "signal",
            "confidence",
            "prob_hold",
            "prob_buy",
            "prob_sell",
            "turn_prob",
            "atr_14",
            "held",
            "reason",
        )

    def decide(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """The house's words for what `predict` said."""
        return predictions.with_columns(
            action=pl.col("held").replace_strict(_ACTIONS, return_dtype=pl.String),
            position_size=pl.col("held") * self.config.position_size,
            probability=pl.col("turn_prob"),
        ).select(DECISION_COLUMNS)

    def ready_rows(self, model: SignalModel) -> ReadyRows:
        """The window that the network reads; for a baseline the newest bar alone."""
        is_network = self.variant is ReversalVariant.FULL
        return ReadyRows(FEATURES, self.config.network.sequence_length if is_network else 1)

    def say(self, model: SignalModel, rows: Floats) -> Said:
        """The signal and its confidence at the last row, to the bit what `predict` gives."""
        n_rows = len(rows)
        window = Sequences(np.ascontiguousarray(rows, np.float32), np.array([n_rows - 1]), n_rows)
        answers = model.predict_ends(window, window.ends)
        return Said(signal=SIGNAL_CLASSES[answers.signal_ids[0]], confidence=float(answers.confidence[0]))

    def baselines(self) -> Mapping[str, "Reversal"]:
        """Logistic regression and LightGBM on the newest bar of the same windows; none for a baseline."""
        if self.variant is not ReversalVariant.FULL:
            return {}
        return {str(each): Reversal(self.config, each) for each in (ReversalVariant.LINEAR, ReversalVariant.BOOSTED)}

    def importance(self, model: SignalModel) -> Mapping[str, float]:
        """Weight of each feature, of a baseline; a network has none."""
        return model.importance()

    def save(self, model: SignalModel) -> Mapping[str, bytes]:
        """The model as safetensors and JSON, or LightGBM text."""
        return model.to_files()

    def load(self, files: Mapping[str, bytes]) -> SignalModel:
        """The model from its files."""
        return _KINDS[list(ReversalVariant).index(self.variant)].from_files(files)

    def schedule(self, class_weights: np.ndarray) -> Schedule:
        """How the network is trained in full."""
        network = self.config.network
        return Schedule(
            learning_rate=network.learning_rate,
            max_epochs=network.max_epochs,
            batch_size=network.batch_size,
            class_weights=class_weights,
            confidence_weight=network.confidence_weight,
            patience=network.patience,
        )

    def _network(
        self, samples: ReversalSamples, content: str, context: FitContext
    ) -> tuple[ReversalNet, dict[str, float]]:
        data, network = samples.data, self.config.network
        # Of the training windows alone: the scaler has seen no row of the other parts.
        standardiser = Standardiser.fit(data.sequences.values[data.sequences.rows_inside(samples.train)])
        scaled = Sequences(standardiser.transform(data.sequences.values), data.sequences.ends, network.sequence_length)
        prior = prior_of(data.class_ids[samples.train])
        targets = Targets(
            class_ids=data.class_ids, confidence=data.confidence, train_ends=samples.train, valid_ends=samples.valid
        )
        schedule = self.schedule(balanced_weights(prior))
        shelf = Shelf(
            cache=context.cache, key=_key(self.config, samples, content, context.seed), every=network.checkpoint_every
        )
        run = Run(
            seed=context.seed,
            shelf=shelf,
            on_epoch=lambda n: context.on_progress("two-headed LSTM", n / network.max_epochs),
        )
        done = train_reversal(fresh_reversal(len(FEATURES), network, context.seed), scaled, targets, schedule, run)
        parts = {"train": samples.train, "test": samples.test}
        measured = {name: measured_on(done.network, scaled, targets, schedule, ends) for name, ends in parts.items()}
        figures = {
            **done.figures,
            "test_loss": measured["test"][0],
            "train_accuracy": measured["train"][1],
            "test_accuracy": measured["test"][1],
        }
        model = ReversalNet(
            network=done.network, standardiser=standardiser, features=FEATURES, class_prior=prior, config=network
        )
        return model, figures

    def _baseline(self, samples: ReversalSamples, seed: int) -> LinearSignals | BoostedSignals:
        data = samples.data
        rows, class_ids = data.sequences.values[samples.train], data.class_ids[samples.train]
        if self.variant is ReversalVariant.LINEAR:
            return fit_linear_signals(FEATURES, rows, class_ids, self.config.linear)
        return fit_boosted_signals(FEATURES, rows, class_ids, self.config.boosted, seed)


def _key(config: ReversalConfig, samples: ReversalSamples, content: str, seed: int) -> str:
    """The name of a training: everything it follows from, hashed."""
    parts = {
        "layer": "reversal network",
        "bars": content,
        "features": definition_hash(FEATURE_SETS["reversal"]),
        "settings": config.network.model_dump(),
        "fitted": hashlib.sha256(samples.train.tobytes() + samples.valid.tobytes()).hexdigest(),
        "seed": seed,
    }
    return hashlib.sha256(to_exact_json(parts)).hexdigest()


def _with_answers(frame: pl.DataFrame, model: SignalModel, sequences: Sequences, ends: "np.ndarray") -> pl.DataFrame:
    answers = model.predict_ends(sequences, ends)
    columns = {
        "signal_id": answers.signal_ids.astype(np.float64),
        "confidence": answers.confidence,
        **{f"prob_{name}": answers.probabilities[:, place] for place, name in enumerate(SIGNAL_CLASSES)},
        "turn_prob": 1 - correct_prior(answers.probabilities, model.class_prior)[:, 0],
    }
    empty = pl.Series([None], dtype=pl.Float64).new_from_index(0, frame.height)
    answered = frame.with_columns(
        *(empty.scatter(ends, values).alias(name) for name, values in columns.items()),
        atr_14=pl.col("atr_14_rel") * pl.col("close"),
    ).with_columns(
        signal=pl.col("signal_id")
        .cast(pl.Int64)
        .replace_strict(dict(enumerate(SIGNAL_CLASSES)), return_dtype=pl.String)
    )
    sides = answered["signal"].fill_null("hold").replace_strict(_SIDES, return_dtype=pl.Int64).to_numpy()
    held = held_sides(
        sides,
        ticker_starts(answered),
        np.ascontiguousarray(answered.select("high", "low", "close").to_numpy()),
        answered["atr_14"].fill_null(math.nan).to_numpy(),
        (TARGET_ATR, STOP_ATR, HORIZON_BARS),
    )
    no_window = pl.when(pl.col("signal").is_null()).then(pl.lit("no window of consecutive, complete bars ends here"))
    return answered.with_columns(held=pl.Series(held), reason=no_window)


def _report_metrics(model: SignalModel, samples: ReversalSamples) -> dict[str, float]:
    """Figures of the reported windows, and how many windows each part has."""
    data = samples.data
    told = model.predict_ends(data.sequences, samples.test).signal_ids
    figures = signal_figures(data.class_ids[samples.test], told)
    return {
        "precision": figures.precision,
        "recall": figures.recall,
        "f1_score": figures.f1_score,
        "non_hold_recall": figures.non_hold_recall,
        "hold_share": figures.hold_share,
        "train_samples": float(len(samples.train)),
        "val_samples": float(len(samples.valid)),
        "test_samples": float(len(samples.test)),
        **{
            f"confusion_{true}_{said}": float(figures.confusion[row][column])
            for row, true in enumerate(SIGNAL_CLASSES)
            for column, said in enumerate(SIGNAL_CLASSES)
        },
    }
