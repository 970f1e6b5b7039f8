"""What a learner says of one bar: from the bars themselves, or from features that somebody has worked out already."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt
import polars as pl

from pawl.errors import SchemaError, TooLittleDataError
from pawl.learners.learner import Learner

__all__ = ["ReadsReadyRows", "ReadyRows", "Said", "require_rows", "said_at_close", "said_in"]

Model = TypeVar("Model", contravariant=True)
Floats = npt.NDArray[np.float64]

OWN_WORDS, DECISION_WORDS = ("signal", "confidence"), ("action", "probability")
ACTIONS = {"buy": "long", "sell": "short", "hold": "flat"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """signal: in the learner's own word. confidence: in [0, 1]. reason: why it says no more; None as a rule.

    >>> Said(signal="buy", confidence=0.7).action, Said(signal="flat", confidence=0.4).action
    ('long', 'flat')
    """

    signal: str
    confidence: float
    reason: str | None = None

    @property
    def action(self) -> str:
        """The house's word for it: long, short or flat."""
        word = self.signal.lower()
        return ACTIONS.get(word, word)


@dataclass(frozen=True, slots=True)
class ReadyRows:
    """What a model reads where its features stand ready. names: of the columns, in their stored order. n_rows: the
    bar's own row, and as many before it as the model looks back on.
    """

    names: tuple[str, ...]
    n_rows: int


@runtime_checkable
class ReadsReadyRows(Protocol[Model]):
    """What a learner may offer beside the contract: to answer a caller who works the features out himself."""

    def ready_rows(self, model: Model) -> ReadyRows:
        """What `say` takes."""
        ...

    def say(self, model: Model, rows: Floats) -> Said:
        """What the model says at the bar of the last row. rows: (n_rows, n_features), oldest first, finite."""
        ...


def said_at_close(learner: Learner[Any], model: Any, bars: pl.DataFrame, ts: datetime) -> Said:  # noqa: ANN401 - a model is whatever its learner fits
    """What the model says at the close of the bar that opened at `ts`, the last of these bars of one ticker.

    A learner whose `predict` gives `signal` and `confidence` has its own words; for any other one its decision speaks.
    TooLittleDataError, with the learner's reason, where it says nothing.
    """
    predictions = learner.predict(model, bars, since=ts)
    has_words = set(OWN_WORDS) <= set(predictions.columns)
    return said_in(predictions.select(*OWN_WORDS, "reason") if has_words else learner.decide(predictions))


def said_in(told: pl.DataFrame) -> Said:
    """What the last row of decisions says, or of frames with `signal`, `confidence` and `reason`.

    TooLittleDataError, with the reason, where it says nothing.
    """
    names = OWN_WORDS if OWN_WORDS[0] in told.columns else DECISION_WORDS
    signal, confidence, reason = told.select(*names, "reason").row(-1)
    if signal is None or confidence is None or not math.isfinite(confidence):
        raise TooLittleDataError(
            f"nothing can be said at this bar: {reason or 'no prediction'}",
            where="prediction",
            fix="send more bars before it, without a gap",
        )
    return Said(signal=signal, confidence=confidence, reason=reason)


def require_rows(rows: Floats, ready: ReadyRows) -> None:
    """SchemaError where rows have another shape, or hold what is no number.

    >>> require_rows(np.zeros((1, 2)), ReadyRows(("ret_1", "ret_5"), 1))
    """
    wanted = (ready.n_rows, len(ready.names))
    if rows.shape != wanted:
        raise SchemaError(
            f"features of shape {rows.shape}, not {wanted}",
            where="features",
            fix=f"send {ready.n_rows} rows, oldest first, of the {len(ready.names)} stored features in their order",
        )
    if not np.isfinite(rows).all():
        raise SchemaError("a feature that is no finite number", where="features", fix="send finite numbers")
