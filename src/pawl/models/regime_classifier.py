"""The regime classifier on frames: bars with features in, one probability a market state out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl

from pawl.errors import CorruptArtifactError, SchemaError
from pawl.labels.regime import STATE_TO_ID
from pawl.models.prior import correct_prior
from pawl.models.regime_config import RegimeConfig
from pawl.models.scaler import Standardiser
from pawl.models.sequences import Sequences, build_sequences

if TYPE_CHECKING:
    from pawl.models.regime_lstm import RegimeLSTM

__all__ = ["STATE_COLUMNS", "STATE_MISSING", "RegimeClassifier", "RegimeFit", "RegimeFitSpec", "RegimeRows", "fit_regime_classifier", "join_states"]

_SNAKE = {state: "".join(f"_{c.lower()}" if c.isupper() else c for c in state).lstrip("_") for state in STATE_TO_ID}

STATE_COLUMNS = tuple(f"state_prob_{_SNAKE[state]}" for state in sorted(STATE_TO_ID, key=STATE_TO_ID.__getitem__))
"""One probability a state, in the order of STATE_TO_ID."""

STATE_MISSING = "state_prob_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeRows:
    """A feature frame as the classifier sees it.

    values: (rows, features) float32, unscaled, NaN where null. sequences: the windows over it that hold no null and
    cross neither a ticker nor a gap of the calendar.
    """

    values: np.ndarray
    sequences: Sequences

    @classmethod
    def of(cls, frame: pl.DataFrame, features: tuple[str, ...], seq_len: int) -> Self:
        """From a frame sorted by (ticker, ts) with `session` and the features; SchemaError names a missing column."""
        missing = [name for name in ("ticker", "session", *features) if name not in frame.columns]
        if missing:
            raise SchemaError(
                f"missing columns: {', '.join(missing)}",
                where="regime classifier",
                fix="hand in silver bars with the m002 features: build_dataset(bars, feature_set='m002')",
            )
        values = frame.select(pl.col(features).cast(pl.Float32)).to_numpy().astype(np.float32, order="C")
        sequences = build_sequences(
            values,
            ticker_ids=frame.get_column("ticker").rle_id().to_numpy(),
            session=frame.get_column("session").to_numpy(),
            is_complete=np.isfinite(values).all(axis=1),
            seq_len=seq_len,
        )
        return cls(values=values, sequences=sequences)

    def ends_among(self, rows: np.ndarray) -> np.ndarray:
        """The given rows that end a window. rows: (n,) bool over the frame, or (n,) indices."""
        wanted = rows if rows.dtype == np.bool_ else np.isin(np.arange(len(self.values)), rows)
        ends: np.ndarray = self.sequences.ends[wanted[self.sequences.ends]]
        return ends


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeClassifier:
    """A fitted classifier with all that its probabilities depend on.

    class_prior: (5,) share of each state among the unbalanced training rows, to which the balanced ones are brought
    back. features: input columns, in order.
    """

    network: "RegimeLSTM"
    standardiser: Standardiser
    class_prior: np.ndarray
    features: tuple[str, ...]
    config: RegimeConfig

    def predict_probabilities(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Probabilities of the states at each row that ends a full window; rows without one are absent.

        frame: silver bars with the features. Gives ticker, ts, date and STATE_COLUMNS, which sum to 1.
        """
        ordered = frame.sort("ticker", "ts")
        rows = RegimeRows.of(ordered, self.features, self.config.seq_len)
        ends, probabilities = self.predict_rows(rows, rows.sequences.ends)
        keys = ordered.select("ticker", "ts", pl.col("ts").dt.date().alias("date"))[ends]
        return keys.hstack(pl.DataFrame(probabilities, schema=list(STATE_COLUMNS)))

    def predict_rows(self, rows: RegimeRows, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same on prepared rows, for the windows that end at `ends`: (n,) and (n, 5)."""
        from pawl.models.regime_inference import predict_probabilities

        scaled = self.standardiser.transform(rows.values)
        balanced = predict_probabilities(self.network, scaled, ends, seq_len=self.config.seq_len)
        return ends, correct_prior(balanced, self.class_prior)

    def to_files(self) -> dict[str, bytes]:
        """As `regime.safetensors` and `regime.json`."""
        from pawl.models.network_bytes import network_to_bytes

        about = {
            "state_to_id": dict(STATE_TO_ID),
            "features": list(self.features),
            "class_prior": self.class_prior.tolist(),
            "standardiser": self.standardiser.to_json(),
            "config": self.config.model_dump(),
        }
        return {
            "regime.safetensors": network_to_bytes(self.network),
            "regime.json": json.dumps(about, sort_keys=True).encode(),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """From what `to_files` gave; CorruptArtifactError when the states or a part do not fit."""
        from pawl.models.network_bytes import network_from_bytes

        about = json.loads(files["regime.json"])
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
            standardiser=Standardiser.from_json(about["standardiser"]),
            class_prior=np.array(about["class_prior"]),
            features=features,
            config=config,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeFit:
    """A classifier and what its training measured (M002-R16): losses, accuracy, windows, recall a state."""

    classifier: RegimeClassifier
    metrics: Mapping[str, float]


def fit_regime_classifier(
    rows: RegimeRows, state_ids: np.ndarray, *, train: np.ndarray, valid: np.ndarray, spec: "RegimeFitSpec"
) -> RegimeFit:
    """Fit on the labelled windows that end in `train`; the snapshot is chosen on those that end in `valid`.

    state_ids: (rows,) of the state, −1 where unlabelled. train, valid: (rows,) bool. The scaler sees the training rows
    and the days inside their windows, nothing else.
    """
    from pawl.models.regime_training import fit_regime

    train_ends = rows.ends_among(train & (state_ids >= 0))
    valid_ends = rows.ends_among(valid & (state_ids >= 0))
    standardiser = Standardiser.fit(rows.values[_rows_inside(train_ends, spec.config.seq_len, len(rows.values))])
    fitted = fit_regime(
        standardiser.transform(rows.values),
        state_ids,
        train_ends=train_ends,
        valid_ends=valid_ends,
        config=spec.config,
        seed=spec.seed,
    )
    classifier = RegimeClassifier(
        network=fitted.network,
        standardiser=standardiser,
        class_prior=fitted.class_prior,
        features=spec.features,
        config=spec.config,
    )
    metrics = {
        "regime_train_loss": fitted.train_loss,
        "regime_valid_loss": fitted.valid_loss,
        "regime_accuracy": fitted.accuracy,
        "regime_n_sequences": float(fitted.n_sequences),
        **{f"regime_recall_{_SNAKE[state]}": float(fitted.class_recall[i]) for state, i in STATE_TO_ID.items()},
    }
    return RegimeFit(classifier=classifier, metrics=metrics)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeFitSpec:
    """How to fit a classifier: its input columns, its sizes, its seed."""

    features: tuple[str, ...]
    config: RegimeConfig
    seed: int


def join_states(frame: pl.DataFrame, ends: np.ndarray, probabilities: np.ndarray) -> pl.DataFrame:
    """Add STATE_COLUMNS and STATE_MISSING to every row of a frame; rows without a probability hold five zeros and a 1.

    Five zeros are no distribution, which is why the indicator stands beside them.
    """
    full = np.zeros((frame.height, len(STATE_COLUMNS)))
    full[ends] = probabilities
    is_missing = np.ones(frame.height, dtype=np.int8)
    is_missing[ends] = 0
    states = pl.DataFrame(full, schema=list(STATE_COLUMNS)).with_columns(pl.Series(STATE_MISSING, is_missing))
    return frame.hstack(states)


def _rows_inside(ends: np.ndarray, seq_len: int, n_rows: int) -> np.ndarray:
    """Which rows lie inside a window that ends at one of `ends`: (n_rows,) bool."""
    edges = np.zeros(n_rows + 1, dtype=np.int64)
    np.add.at(edges, ends - seq_len + 1, 1)
    np.add.at(edges, ends + 1, -1)
    inside: np.ndarray = np.cumsum(edges[:-1]) > 0
    return inside
