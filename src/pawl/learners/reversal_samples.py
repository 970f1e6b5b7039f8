"""What reversal is fitted on: windows with their labels, and which of them a training fits, watches and reports."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from pawl.errors import TooLittleDataError
from pawl.evaluation.splits import split_at
from pawl.features.sets import FEATURE_SETS, build_dataset
from pawl.models.reversal_sequences import reversal_sequences
from pawl.models.sequences import Sequences

__all__ = ["BAR", "FEATURES", "ReversalSamples", "Windowed", "windowed"]

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]

BAR = timedelta(minutes=15)
FEATURES = FEATURE_SETS["reversal"].names


class SplitConfig(Protocol):
    """The part of the configuration that decides which rows are read for what."""

    @property
    def months(self) -> int: ...
    @property
    def train_share(self) -> float: ...
    @property
    def valid_share(self) -> float: ...
    @property
    def embargo_bars(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Windowed:
    """One row a bar, in (ticker, ts) order: features and labels. sequences: windows over the unscaled features.

    class_ids: (n_rows,), −1 where unlabelled. confidence: (n_rows,), NaN there. window_start: open time of the first
    bar of the row's window, null where it ends none.
    """

    frame: pl.DataFrame
    sequences: Sequences
    class_ids: Rows
    confidence: npt.NDArray[np.float64]

    @property
    def is_sample(self) -> Mask:
        """(n_rows,) rows that end a window and have a label: the windows were built first, and filtered then."""
        mask = np.zeros(self.frame.height, dtype=np.bool_)
        mask[self.sequences.ends] = True
        return mask & (self.class_ids >= 0)


def windowed(bars: pl.DataFrame, labels: pl.DataFrame, sequence_length: int) -> Windowed:
    """Bars with their features, labels and windows. labels: as `Reversal.label` gives them."""
    built = build_dataset(bars, "reversal").collect()
    known = labels.select("ticker", "ts", "t0", "t1", "signal_id", label_confidence=pl.col("confidence"))
    frame = built.join(known, on=["ticker", "ts"], how="left", maintain_order="left", validate="1:1")
    return Windowed(
        frame=frame.with_columns(window_start=pl.col("ts") - BAR * (sequence_length - 1)),
        sequences=reversal_sequences(frame, FEATURES, BAR, sequence_length),
        class_ids=frame["signal_id"].fill_null(-1).cast(pl.Int64).to_numpy(),
        confidence=frame["label_confidence"].fill_null(np.nan).to_numpy(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalSamples:
    """train, valid, test: last rows of the windows of each part. scored_from: the first instant of the last part."""

    data: Windowed
    train: Rows
    valid: Rows
    test: Rows
    scored_from: datetime

    @classmethod
    def of(cls, data: Windowed, config: SplitConfig, report_from: datetime | None = None) -> Self:
        """Cut the newest months by time across all pairs at once, at int(0.7 · n) and int(0.85 · n) of the n instants.

        Everything a part has read (the label's 16 bars) ends at least `embargo_bars` instants before the next begins.
        report_from: where the last part begins, else by its share; the first two keep their proportion.
        TooLittleDataError where a part would be empty.
        """
        rows = np.flatnonzero(data.is_sample)
        asked = data.frame["t0"].gather(rows)
        if asked.is_empty():
            raise _too_little(0)
        newest = data.frame["available_at"].max()
        since = pl.select(pl.lit(newest).dt.offset_by(f"-{config.months}mo")).item()
        rows = rows[(asked >= since).to_numpy()]
        t0, t1 = (data.frame[name].gather(rows) for name in ("t0", "t1"))
        instants = t0.unique().sort()
        n = len(instants)
        until = config.train_share + config.valid_share
        second = int(until * n) if report_from is None else int(instants.search_sorted(report_from))
        first = int(config.train_share * n) if report_from is None else int(second * config.train_share / until)
        if not 0 < first < second < n:
            raise _too_little(n)
        cuts = (instants[first], instants[second])
        train, reported = (split_at(t0, t1, cut, config.embargo_bars) for cut in cuts)
        is_watched = (t0.gather(reported.train) >= cuts[0]).to_numpy()
        valid = reported.train[is_watched]
        if not len(valid):
            raise _too_little(n)
        return cls(
            data=data,
            train=rows[train.train],
            valid=rows[valid],
            test=rows[reported.test],
            scored_from=cuts[1],
        )


def _too_little(n: int) -> TooLittleDataError:
    return TooLittleDataError(
        f"{n} instants with a labelled window cannot be cut into three parts",
        where="reversal",
        fix="import a longer history: three months of 15-minute bars",
    )
