"""The regime classifier on frames: bars with features in, one probability a market state out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from pawl.errors import CorruptArtifactError, SchemaError
from pawl.labels.regime import STATE_TO_ID
from pawl.models.exact_json import from_exact_json, to_exact_json
from pawl.models.network_bytes import network_from_bytes, network_to_bytes
from pawl.models.prior import correct_prior
from pawl.models.regime_config import RegimeConfig
from pawl.models.regime_inference import predict_probabilities
from pawl.models.regime_training import RegimeSplit, fit_regime
from pawl.models.scaler import Standardiser
from pawl.models.sequences import Sequences, build_sequences

if TYPE_CHECKING:
    from pawl.models.regime_lstm import RegimeLSTM

__all__ = [
    "STATE_COLUMNS",
    "STATE_MISSING",
    "RegimeClassifier",
    "RegimeFit",
    "RegimeFitSpec",
    "ends_among",
    "fit_regime_classifier",
    "join_states",
    "regime_sequences",
]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_SNAKE = {state: "".join(f"_{c.lower()}" if c.isupper() else c for c in state).lstrip("_") for state in STATE_TO_ID}

STATE_COLUMNS = tuple(f"state_prob_{_SNAKE[state]}" for state in sorted(STATE_TO_ID, key=STATE_TO_ID.__getitem__))
"""One probability a state, in the order of STATE_TO_ID."""

STATE_MISSING = "state_prob_missing"


def regime_sequences(frame: pl.DataFrame, features: tuple[str, ...], seq_len: int) -> Sequences:
    """A feature frame as the classifier sees it: unscaled, one window a row that ends a full one.

    frame: sorted by (ticker, ts), with `session` and the features; a missing column is a SchemaError that names it.
    Windows hold no null and cross neither a ticker nor a gap of the calendar.
    """
    missing = [name for name in ("ticker", "session", *features) if name not in frame.columns]
    if missing:
        raise SchemaError(
            f"missing columns: {', '.join(missing)}",
            where="regime classifier",
            fix="hand in silver bars with the m002 features: build_dataset(bars, feature_set='m002')",
        )
    values = np.ascontiguousarray(frame.select(pl.col(features).cast(pl.Float32)).to_numpy(), np.float32)
    return build_sequences(
        values,
        ticker_ids=frame.get_column("ticker").rle_id().to_numpy(),
        session=frame.get_column("session").to_numpy(),
        is_complete=np.asarray(np.isfinite(values).all(axis=1)),
        seq_len=seq_len,
    )


def ends_among(sequences: Sequences, rows: Mask) -> Rows:
    """The windows that end at one of the given rows. rows: (n_rows,) bool."""
    return sequences.ends[rows[sequences.ends]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeClassifier:
    """A fitted classifier with all that its probabilities depend on.

    class_prior: (5,) share of each state among the unbalanced training rows, to which the balanced ones are brought
    back. features: input columns, in order. confusion: (5 true, 5 predicted) counts of the windows that chose the
    snapshot, by the network's largest output; kept for the record, no probability depends on it.
    """

    network: "RegimeLSTM"
    standardiser: Standardiser
    class_prior: Floats
    features: tuple[str, ...]
    config: RegimeConfig
    confusion: Counts

    def predict_probabilities(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Probabilities of the states at each row that ends a full window; rows without one are absent.

        frame: silver bars with the features. Gives ticker, ts, date and STATE_COLUMNS, which sum to 1.
        """
        ordered = frame.sort("ticker", "ts")
        sequences = regime_sequences(ordered, self.features, self.config.seq_len)
        probabilities = self.predict_ends(sequences, sequences.ends)
        keys = ordered.select("ticker", "ts", pl.col("ts").dt.date().alias("date"))[sequences.ends]
        return keys.hstack(pl.DataFrame(probabilities, schema=list(STATE_COLUMNS)))

    def predict_ends(self, sequences: Sequences, ends: Rows) -> Floats:
        """The same for the windows of unscaled values that end at `ends`: (n, 5)."""
        scaled = replace(sequences, values=self.standardiser.transform(sequences.values), ends=ends)
        return correct_prior(predict_probabilities(self.network, scaled), self.class_prior)

    def to_files(self) -> dict[str, bytes]:
        """As `regime.safetensors` and `regime.json`."""
        about = {
            "state_to_id": dict(STATE_TO_ID),
            "features": list(self.features),
            "class_prior": self.class_prior.tolist(),
            "confusion": self.confusion.tolist(),
            "standardiser": self.standardiser.to_dict(),
            "config": self.config.model_dump(),
        }
        return {
            "regime.safetensors": network_to_bytes(self.network),
            "regime.json": to_exact_json(about),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """From what `to_files` gave; CorruptArtifactError when the states or a part do not fit."""
        about = from_exact_json(files["regime.json"], "regime.json")
        if about["state_to_id"] != dict(STATE_TO_ID):
            raise CorruptArtifactError(
                f"the stored states are {about['state_to_id']}, not {dict(STATE_TO_ID)}",
                where="regime.json",
                fix="train the version again with this release",
            )
        config = RegimeConfig.model_validate(about["config"])
        features = tuple(about["features"])
        return cls(
            network=network_from_bytes(files["regime.safetensors"], config, n_features=len(features)),
            standardiser=Standardiser.from_dict(about["standardiser"]),
            class_prior=np.array(about["class_prior"]),
            features=features,
            config=config,
            confusion=_confusion(about.get("confusion")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeFit:
    """A classifier and what its training measured (M002-R16): losses, accuracy, windows, recall a state."""

    classifier: RegimeClassifier
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeFitSpec:
    """How to fit a classifier: its input columns, its sizes, its seed."""

    features: tuple[str, ...]
    config: RegimeConfig
    seed: int


def fit_regime_classifier(
    sequences: Sequences, state_ids: npt.NDArray[np.int64], *, fitted: Mask, snapshot: Mask, spec: RegimeFitSpec
) -> RegimeFit:
    """Fit on the labelled windows that end in `fitted`; the snapshot is chosen on those that end in `snapshot`.

    state_ids: (n_rows,) of the state, −1 where unlabelled. fitted, snapshot: (n_rows,) bool. The scaler sees the fitted
    rows and the days inside their windows, nothing else.
    """
    train_ends = ends_among(sequences, fitted & (state_ids >= 0))
    valid_ends = ends_among(sequences, snapshot & (state_ids >= 0))
    standardiser = Standardiser.fit(sequences.values[sequences.rows_inside(train_ends)])
    done = fit_regime(
        replace(sequences, values=standardiser.transform(sequences.values)),
        state_ids,
        RegimeSplit(train_ends=train_ends, valid_ends=valid_ends),
        spec.config,
        spec.seed,
    )
    classifier = RegimeClassifier(
        network=done.network,
        standardiser=standardiser,
        class_prior=done.class_prior,
        features=spec.features,
        config=spec.config,
        confusion=done.confusion,
    )
    metrics = {
        "regime_train_loss": done.train_loss,
        "regime_valid_loss": done.valid_loss,
        "regime_accuracy": done.accuracy,
        "regime_n_sequences": float(done.n_sequences),
        "regime_missing_states": float(len(done.missing_states)),
        **{f"regime_recall_{_SNAKE[state]}": float(done.class_recall[i]) for state, i in STATE_TO_ID.items()},
    }
    return RegimeFit(classifier=classifier, metrics=metrics)


def join_states(frame: pl.DataFrame, ends: Rows, probabilities: Floats) -> pl.DataFrame:
    """Add STATE_COLUMNS and STATE_MISSING to every row of a frame; rows without a probability hold five zeros and a 1.

    Five zeros are no distribution, which is why the indicator stands beside them.
    """
    full = np.zeros((frame.height, len(STATE_COLUMNS)))
    full[ends] = probabilities
    is_missing = np.ones(frame.height, dtype=np.int8)
    is_missing[ends] = 0
    states = pl.DataFrame(full, schema=list(STATE_COLUMNS)).with_columns(pl.Series(STATE_MISSING, is_missing))
    return frame.hstack(states)


def _confusion(stored: object) -> Counts:
    try:
        counts = np.array(stored, dtype=np.int64)
    except (TypeError, ValueError, OverflowError):
        counts = np.empty(0, dtype=np.int64)
    n_states = len(STATE_COLUMNS)
    if counts.shape != (n_states, n_states) or (counts < 0).any():
        raise CorruptArtifactError(
            f"the confusion matrix is not {n_states} × {n_states} counts",
            where="regime.json",
            fix="train the version again with this release",
        )
    return counts
