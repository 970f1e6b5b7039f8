"""The point-in-time proof: no feature sees the future, and none looks back further than it declares.

For every feature, ticker and bar, without sampling:

- the *cut* test: the bars of all tickers are cut behind the bar's ts and the set is computed anew; the value must be
  the one that the whole history gave, to the bit;
- the *window* test: the ticker's last `lookback` bars alone must give the value; a number within TOLERANCE of the
  feature's own scale on that ticker, everything else exactly.

Recursive means forget their start only nearly, so in the window test an indicator may differ where a number that it
compares lies within its tolerance of the limit. Such a cell, and what is derived from it, counts as `near_limit`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import polars as pl

from pawl.errors import SchemaError, TooLittleDataError
from pawl.features.feature import FeatureSet
from pawl.features.findings import FeatureProof, Offence, Proof, ProofTest
from pawl.features.recomputation import at_cuts, in_windows
from pawl.features.segments import ordered_by_ticker, ticker_starts
from pawl.features.sets import compute
from pawl.features.tolerance import near_limit_cells, tolerated

__all__ = ["Proof", "prove"]

N_CUT_BATCHES = 32
WINDOW_ROWS_A_BATCH = 500_000


def prove(
    bars: pl.DataFrame,
    features: FeatureSet,
    n_jobs: int | None = None,
    on_progress: Callable[[float], None] = lambda fraction: None,
) -> Proof:
    """Try every value of every feature of the set on these bars. TooLittleDataError when there are none.

    bars: any order; ticker, ts and the bar columns that the features declare: a feature that reads another one is a
    SchemaError. n_jobs: None takes what the caller has set with `joblib.parallel_config`. on_progress: told the share
    of the work that is done.
    """
    if bars.is_empty():
        raise TooLittleDataError("there are no bars to prove on", where=features.name, fix="import some bars")
    everything = FeatureSet(name=features.name, features=tuple(dict.fromkeys((*features.steps, *features.features))))
    bars = ordered_by_ticker(bars).select("ticker", "ts", *_declared_columns(everything, bars))
    full = _whole_history(bars, everything)
    tasks: list[_CutTask | _WindowTask] = [*_cut_tasks(bars, features), *_window_tasks(bars, features)]
    found: list[_Difference] = []
    answers = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(
        joblib.delayed(task.compute)(bars) for task in tasks
    )
    for n_done, (task, values) in enumerate(zip(tasks, answers, strict=True), start=1):
        found += _differences(task, full, values)
        on_progress(n_done / len(tasks))
    near = near_limit_cells(full, features)
    return Proof(
        feature_set=features.name,
        features=tuple(_verdict(each.name, found, near[each.name], full) for each in features),
        cells=bars.height * len(features.features),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _CutTask:
    """Some of the instants to cut behind."""

    features: FeatureSet
    cuts: tuple[Any, ...]
    rows: npt.NDArray[np.int64]
    test: ProofTest = ProofTest.CUT

    def compute(self, bars: pl.DataFrame) -> pl.DataFrame:
        return at_cuts(bars, self.features, self.cuts).sort("ticker", "ts")


@dataclass(frozen=True, slots=True, kw_only=True)
class _WindowTask:
    """Some of the bars to look back from, for the features of one look-back."""

    features: FeatureSet
    first_rows: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    test: ProofTest = ProofTest.WINDOW

    def compute(self, bars: pl.DataFrame) -> pl.DataFrame:
        return in_windows(bars, self.features, self.first_rows, self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Difference:
    """The rows on which one feature came out differently, and the values there."""

    test: ProofTest
    feature: str
    rows: npt.NDArray[np.int64]
    became: pl.Series


def _declared_columns(features: FeatureSet, bars: pl.DataFrame) -> list[str]:
    """The columns of the bars that the features declare as inputs."""
    declared = {name for each in features for name in each.inputs} - {*features.names, "ticker", "ts"}
    return [column for column in bars.columns if column in declared]


def _whole_history(bars: pl.DataFrame, features: FeatureSet) -> pl.DataFrame:
    try:
        return compute(bars, features)
    except pl.exceptions.ColumnNotFoundError as error:
        raise SchemaError(
            f"a feature reads a column that it does not declare: {error}",
            where=f"feature set {features.name}",
            fix="name every column that the expression reads among its inputs",
        ) from error


def _cut_tasks(bars: pl.DataFrame, features: FeatureSet) -> Iterator[_CutTask]:
    cuts = bars.get_column("ts").unique().sort()
    place = cuts.search_sorted(bars.get_column("ts")).to_numpy()
    n_batches = min(N_CUT_BATCHES, cuts.len())
    for number in range(n_batches):
        # Every 32nd instant: a later cut takes longer, and so each batch takes equally long.
        batch = tuple(cuts.gather_every(n_batches, number))
        yield _CutTask(features=features, cuts=batch, rows=np.flatnonzero(place % n_batches == number))


def _window_tasks(bars: pl.DataFrame, features: FeatureSet) -> Iterator[_WindowTask]:
    rows = np.arange(bars.height)
    starts = ticker_starts(bars)
    for lookback in sorted({each.lookback for each in features}):
        group = features.only([each.name for each in features if each.lookback == lookback])
        size = max(1, WINDOW_ROWS_A_BATCH // lookback)
        for begin in range(0, rows.size, size):
            batch = rows[begin : begin + size]
            first_rows = np.maximum(batch - lookback + 1, starts[batch])
            yield _WindowTask(features=group, first_rows=first_rows, rows=batch)


def _differences(task: _CutTask | _WindowTask, full: pl.DataFrame, values: pl.DataFrame) -> Iterator[_Difference]:
    expected = full[task.rows]
    for name in task.features.names:
        was, became = expected.get_column(name), values.get_column(name)
        differs = was.ne_missing(became).to_numpy()
        if differs.any() and task.test is ProofTest.WINDOW and was.dtype.is_float():
            gap = (was - became).abs()
            differs = differs & ~(gap <= tolerated(full, name)[task.rows]).fill_null(value=False).to_numpy()
        if differs.any():
            yield _Difference(test=task.test, feature=name, rows=task.rows[differs], became=became.filter(differs))


def _verdict(
    name: str, differences: Iterable[_Difference], near: npt.NDArray[np.bool_], full: pl.DataFrame
) -> FeatureProof:
    is_mismatch, is_near = np.zeros_like(near), np.zeros_like(near)
    offences: list[tuple[int, Offence]] = []
    for each in differences:
        if each.feature != name:
            continue
        is_excused = near[each.rows] & (each.test is ProofTest.WINDOW)
        is_near[each.rows[is_excused]] = True
        is_mismatch[each.rows[~is_excused]] = True
        if not is_excused.all():
            first = int(np.argmin(is_excused))
            row = int(each.rows[first])
            offences.append((row, _offence(each, first, full.row(row, named=True))))
    return FeatureProof(
        feature=name,
        mismatches=int(is_mismatch.sum()),
        near_limit=int((is_near & ~is_mismatch).sum()),
        first=min(offences, key=lambda offence: offence[0])[1] if offences else None,
    )


def _offence(difference: _Difference, place: int, bar: dict[str, Any]) -> Offence:
    was, became = bar[difference.feature], difference.became[place]
    return Offence(test=difference.test, ticker=bar["ticker"], ts=bar["ts"], was=was, became=became)
