"""The contract every learner keeps, ours or a user's own: what differs between learners, and nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

import polars as pl

from pawl.features.feature import FeatureSet
from pawl.market.bars import Timeframe

__all__ = ["DECISION_COLUMNS", "Fit", "FitContext", "LayerCache", "Learner", "LearnerSpec", "NoCache", "silent"]

Model = TypeVar("Model")

DECISION_COLUMNS = ("ticker", "ts", "available_at", "action", "position_size", "probability", "reason")
"""What `decide` gives. `action` is long, short or flat; `position_size` is signed, a share of the ticker's capital;
`probability` is the confidence in [0, 1] that calibration is judged on; `reason` is null or says why it is flat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerSpec:
    """What the shared loop must know of a learner.

    foresees: what `probability` is the probability of, in words. horizon_bars: how many bars after its own the label
    reads. embargo_bars: kept free between what was read and what is scored. min_bars: a ticker with fewer visible bars
    is left out of a fit. reads_back: how far back a training on schedule reads, look-back of features and all; None for
    all history.
    """

    name: str
    timeframe: Timeframe
    feature_set: FeatureSet
    foresees: str
    horizon_bars: int
    embargo_bars: int
    min_bars: int
    cadence: timedelta
    primary_metric: str
    reads_back: timedelta | None = None


class LayerCache(Protocol):
    """Files of fitted layers under keys that name everything they follow from."""

    def get(self, key: str) -> Mapping[str, bytes] | None: ...
    def put(self, key: str, files: Mapping[str, bytes]) -> None: ...


class NoCache:
    """A cache that remembers nothing."""

    def get(self, key: str) -> Mapping[str, bytes] | None:
        return None

    def put(self, key: str, files: Mapping[str, bytes]) -> None:
        return None


def silent(stage: str, fraction: float) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitContext:
    """How to fit, as opposed to what on.

    on_progress: called with a stage in words and the fraction done. report_from: nothing asked from this instant on is
    fitted (None: the learner keeps a share of the newest dates for its report). Workers are set around a fit by
    `joblib.parallel_config`.
    """

    seed: int
    report_from: datetime | None = None
    cache: LayerCache = field(default_factory=NoCache)
    on_progress: Callable[[str, float], None] = silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit(Generic[Model]):
    """A fitted model, and what a report must say of it.

    scored_from: the first decision instant (t0) of the reported block, which no fit, snapshot or calibration has read.
    metrics: figures measured while fitting (losses, class recalls ...); the shared evaluation adds those of the block.
    """

    model: Model
    scored_from: datetime
    metrics: Mapping[str, float]


class Learner(Protocol[Model]):
    """The contract. `LEARNER_CHECKS` tests it: predict is pure, saved = loaded, a seed repeats, no future is read."""

    @property
    def spec(self) -> LearnerSpec: ...

    def label(self, bars: pl.DataFrame) -> pl.DataFrame:
        """One row a bar: ticker, ts, t0, t1, `target` (1 or 0; null while not known) and what else the learner fits."""
        ...

    def fit(self, bars: pl.DataFrame, context: FitContext) -> Fit[Model]:
        """Fit on silver bars (every one of them counts as read). TooLittleDataError when they do not suffice."""
        ...

    def predict(self, model: Model, bars: pl.DataFrame, since: datetime | None = None) -> pl.DataFrame:
        """One row a bar: what the model foresees at its close, from that bar and older ones only.

        since: answer for the bars that opened then or later; the others are history. The answers are the same to the
        byte whether more are asked for or not.
        """
        ...

    def decide(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Predictions to decisions: DECISION_COLUMNS, one row a bar."""
        ...

    def baselines(self) -> Mapping[str, "Learner[Model]"]:
        """Simpler learners fitted and scored on the same rows, to be beaten."""
        ...

    def importance(self, model: Model) -> Mapping[str, float]:
        """Weight of each input in the model, ≥ 0, any scale; empty where a model has no such figure."""
        ...

    def save(self, model: Model) -> Mapping[str, bytes]:
        """The model as files (safetensors, text, JSON; never pickle)."""
        ...

    def load(self, files: Mapping[str, bytes]) -> Model:
        """The model from its files: predicts to the byte what the saved one did."""
        ...
