"""Golden predictions: what a version said when it was new, on bars stored beside it, to be said again before it serves.

Bytes that load are not yet a model that answers as it did: another library, another processor or a changed feature can
move an answer. So a sample of bars and the answers lie with the artifact, and whoever brings a version back asks first.
"""

import io
from collections.abc import Mapping
from typing import Any

import polars as pl

from pawl.learners.learner import Learner
from pawl.market.bars import SILVER_SCHEMA
from pawl.market.instants import latest

__all__ = ["answer_once", "golden_difference", "golden_files"]

BARS, PREDICTIONS = "_golden/bars.parquet", "_golden/predictions.parquet"
"""Names that no learner's files can have: a learner's name starts with a letter."""

N_TICKERS = 3
N_ANSWERS = 20
"""Answers a ticker, each with all the history that the learner asks for."""

AnyLearner = Learner[Any]


def golden_files(learner: AnyLearner, model: Any, bars: pl.DataFrame) -> Mapping[str, bytes]:  # noqa: ANN401 - a model is whatever its learner fits
    """The newest bars of some tickers, and what the model says on the last of them."""
    chosen = bars["ticker"].unique().sort()[:N_TICKERS].to_list()
    sample = (
        bars.filter(pl.col("ticker").is_in(chosen))
        .select(SILVER_SCHEMA.names())
        .sort("ticker", "ts")
        .group_by("ticker", maintain_order=True)
        .tail(learner.spec.min_bars + N_ANSWERS)
    )
    return {BARS: _parquet(sample), PREDICTIONS: _parquet(_answers(learner, model, sample))}


def golden_difference(learner: AnyLearner, model: Any, files: Mapping[str, bytes]) -> str | None:  # noqa: ANN401 - as above
    """Why the model does not say what it said when it was new; None when it does, to the byte.

    files: of the version's artifact.
    """
    if BARS not in files or PREDICTIONS not in files:
        return "no golden predictions were stored with it"
    stored = pl.read_parquet(io.BytesIO(files[PREDICTIONS]))
    said = _answers(learner, model, pl.read_parquet(io.BytesIO(files[BARS])))
    if said.schema != stored.schema or said.height != stored.height:
        return f"it gives {said.height} rows of {said.width} columns where it gave {stored.height} of {stored.width}"
    changed = [name for name in stored.columns if not said[name].equals(stored[name], null_equal=True)]
    if not changed:
        return None
    first = changed[0]
    n_rows = int(said[first].ne_missing(stored[first]).sum())
    return f"`{first}` differs in {n_rows} of {stored.height} golden predictions"


def answer_once(learner: AnyLearner, model: Any, files: Mapping[str, bytes]) -> None:  # noqa: ANN401 - as above
    """Let a model answer once: what it needs of libraries and compiled kernels is loaded then, and not before."""
    if BARS in files:
        _answers(learner, model, pl.read_parquet(io.BytesIO(files[BARS])))


def _answers(learner: AnyLearner, model: Any, sample: pl.DataFrame) -> pl.DataFrame:  # noqa: ANN401 - as above
    since = sample["ts"].unique().sort().tail(N_ANSWERS)
    return learner.predict(model, sample, since=latest(since.head(1)))


def _parquet(frame: pl.DataFrame) -> bytes:
    into = io.BytesIO()
    frame.write_parquet(into, compression="zstd", statistics=False)
    return into.getvalue()
