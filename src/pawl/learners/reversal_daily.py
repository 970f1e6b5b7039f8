"""The daily update of reversal: the active model goes on learning from what the last day resolved, and is compared with
itself on rows that neither has read.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from pawl.evaluation.costs import Costs
from pawl.gates.reversal_gate import daily_gate
from pawl.gates.verdict import Verdict
from pawl.learners.reversal import Reversal
from pawl.learners.reversal_report import ReversalReport, report_on
from pawl.learners.reversal_samples import Windowed, windowed
from pawl.market.bars import UTC_TIME
from pawl.models.reversal_model import ReversalNet
from pawl.models.reversal_training import Run, Schedule, Targets, train_reversal
from pawl.models.sequences import Sequences
from pawl.models.signal_answers import balanced_weights

__all__ = [
    "OUTCOME_SCHEMA",
    "READ_SCHEMA",
    "DailyComparison",
    "DailyData",
    "DailyOrder",
    "DailySkip",
    "DailyUpdate",
    "compare_daily",
    "fit_daily",
    "prepare_daily",
    "resolved_rows",
    "unread_rows",
    "update_daily",
]

Rows = npt.NDArray[np.int64]

DAY = timedelta(days=1)

OUTCOME_SCHEMA = pl.Schema(
    {"ticker": pl.String(), "ts": UTC_TIME, "actual_outcome": pl.String(), "updated_at": UTC_TIME}
)
"""Signals with their outcome (null while open). ts: the bar the signal was given on, `bar_timestamp`, one a pair."""

READ_SCHEMA = pl.Schema({"ticker": pl.String(), "ts": UTC_TIME, "window_start": UTC_TIME, "t1": UTC_TIME})
"""Rows that a training has read: from the open of the first bar of the window to the instant the label was known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyOrder:
    """now: of the update; only bars that had closed by then may be handed in. outcomes: OUTCOME_SCHEMA.

    read_before: READ_SCHEMA, what the active model and its incremental ancestors have read. base_read_until: until when
    the full version below them has read anything (`max_t1` of its certificate).
    """

    now: datetime
    seed: int
    outcomes: pl.DataFrame
    read_before: pl.DataFrame
    base_read_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DailySkip:
    """No update today, which is normal: too few windows resolved. No version follows, and what serves goes on."""

    n_sequences: int
    min_sequences: int

    @property
    def warning(self) -> str:
        """In words."""
        return f"daily update skipped: {self.n_sequences} labelled sequences, fewer than {self.min_sequences}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyData:
    """What a day gives to learn. rows: of the data, to be fitted and watched. read: READ_SCHEMA, the same rows."""

    data: Windowed
    rows: Rows
    read: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyUpdate:
    """A candidate. read: READ_SCHEMA, what it has read beside its ancestors. figures: losses and accuracy."""

    model: ReversalNet
    read: pl.DataFrame
    figures: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyComparison:
    """Both models on the same unread rows. deploys: whether the candidate may replace the current one."""

    current: ReversalReport
    candidate: ReversalReport
    n_rows: int
    verdict: Verdict

    @property
    def deploys(self) -> bool:
        """Equal or better deploys; worse, unmeasured or too few rows keeps what serves."""
        return self.verdict.passed


def resolved_rows(data: Windowed, outcomes: pl.DataFrame, now: datetime) -> Rows:
    """Rows that end a window, have a label that is known now, and were resolved in the last 24 hours.

    Two windows in time: a row counts when its label became known in the last day, and also when a signal given on it
    got its outcome in the last day, however old the bar. What is learnt is the label of the prices either way: an
    outcome says which bars to look at again, and neither it nor the signal is a target.
    """
    resolved = outcomes.filter(pl.col("actual_outcome").is_not_null() & _in_last_day("updated_at", now))
    marked = data.frame.select("ticker", "ts", "t1").join(
        resolved.select("ticker", "ts", is_resolved=pl.lit(value=True)),
        on=["ticker", "ts"],
        how="left",
        maintain_order="left",
        validate="1:1",
    )
    is_known = (pl.col("t1") <= now).fill_null(value=False)
    is_due = is_known & (_in_last_day("t1", now) | pl.col("is_resolved").fill_null(value=False))
    chosen = marked.select(is_due.fill_null(value=False)).to_series().to_numpy()
    return np.flatnonzero(chosen & data.is_sample)


def prepare_daily(
    learner: Reversal, active: ReversalNet, bars: pl.DataFrame, order: DailyOrder
) -> DailyData | DailySkip:
    """What there is to learn today; too little of it is a skip.

    bars: silver bars that had closed by `now`, back to 600 before the oldest bar that an outcome asks for: a window of
    20, and the look-back of the features before it.
    """
    data = windowed(bars, learner.label(bars), active.config.sequence_length)
    rows = resolved_rows(data, order.outcomes, order.now)
    least = learner.config.daily.min_sequences
    if len(rows) < least:
        return DailySkip(n_sequences=len(rows), min_sequences=least)
    return DailyData(data=data, rows=rows, read=_read(data.frame, rows))


def fit_daily(learner: Reversal, active: ReversalNet, ready: DailyData, seed: int) -> DailyUpdate:
    """Fine-tune a copy of the active model; its scaler, features and class weights go on as they are.

    Both heads learn, each from its own target. The newest `validation_split` of the windows are watched, not fitted.
    """
    daily, data, rows = learner.config.daily, ready.data, ready.rows
    by_time = rows[data.frame["t0"].gather(rows).arg_sort().to_numpy()]
    n_fitted = int(len(by_time) * (1 - daily.validation_split))
    scaled = Sequences(
        active.standardiser.transform(data.sequences.values), data.sequences.ends, active.config.sequence_length
    )
    targets = Targets(
        class_ids=data.class_ids,
        confidence=data.confidence,
        train_ends=np.sort(by_time[:n_fitted]),
        valid_ends=np.sort(by_time[n_fitted:]),
    )
    schedule = Schedule(
        learning_rate=daily.learning_rate,
        max_epochs=daily.epochs,
        batch_size=daily.batch_size,
        class_weights=balanced_weights(active.class_prior),
        confidence_weight=active.config.confidence_weight,
        patience=None,
    )
    done = train_reversal(active.network, scaled, targets, schedule, Run(seed=seed))
    figures = {**done.figures, "train_samples": float(n_fitted), "val_samples": float(len(rows) - n_fitted)}
    # Watched rows count as read too: whatever a run looked at cannot judge it.
    return DailyUpdate(model=replace(active, network=done.network), read=ready.read, figures=figures)


def update_daily(
    learner: Reversal, active: ReversalNet, bars: pl.DataFrame, order: DailyOrder
) -> DailyUpdate | DailySkip:
    """Fine-tune on what the last day resolved, if that is enough. bars: as `prepare_daily` takes them."""
    ready = prepare_daily(learner, active, bars, order)
    return ready if isinstance(ready, DailySkip) else fit_daily(learner, active, ready, order.seed)


def unread_rows(data: Windowed, order: DailyOrder, candidate: DailyUpdate, days: int) -> Rows:
    """Rows asked in the last days whose label is known, and whose window and label share no instant with anything that
    the candidate or one of its ancestors has read, on any pair.
    """
    frame, rows = data.frame, np.flatnonzero(data.is_sample)
    asked = frame.select("t0", "t1", "window_start")[rows]
    since = order.now - timedelta(days=days)
    is_open = asked.select(
        (pl.col("t0") > since) & (pl.col("t1") <= order.now) & (pl.col("window_start") >= order.base_read_until)
    ).to_series()
    read = pl.concat([order.read_before.select(READ_SCHEMA.names()), candidate.read])
    return rows[is_open.to_numpy() & ~_overlaps(asked, read)]


def compare_daily(
    learner: Reversal, active: ReversalNet, candidate: DailyUpdate, bars: pl.DataFrame, order: DailyOrder, costs: Costs
) -> DailyComparison:
    """Score both models on the same rows, and ask the daily gate."""
    daily = learner.config.daily
    data = windowed(bars, learner.label(bars), active.config.sequence_length)
    rows = unread_rows(data, order, candidate, daily.validation_days)
    chosen = data.frame.select("ticker", "ts")[rows]
    keyed = bars.join(
        chosen.with_columns(is_scored=pl.lit(value=True)), on=["ticker", "ts"], how="left", maintain_order="left"
    )
    is_scored = pl.col("is_scored").fill_null(value=False)
    current, ours = (report_on(learner, model, keyed, is_scored, costs) for model in (active, candidate.model))
    verdict = daily_gate(daily.min_validation_rows).judge(current.figures(), ours.figures())
    return DailyComparison(current=current, candidate=ours, n_rows=len(rows), verdict=verdict)


def _in_last_day(column: str, now: datetime) -> pl.Expr:
    return pl.col(column).is_between(now - DAY, now, closed="right")


def _read(frame: pl.DataFrame, rows: Rows) -> pl.DataFrame:
    return frame.select(READ_SCHEMA.names())[rows]


def _overlaps(asked: pl.DataFrame, read: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Which of the asked rows share an instant, from the start of the window to t1, with one that was read."""
    if read.is_empty():
        return np.zeros(asked.height, np.bool_)
    ordered = read.sort("window_start")
    starts = ordered["window_start"].dt.epoch("us").to_numpy()
    latest = np.maximum.accumulate(ordered["t1"].dt.epoch("us").to_numpy())
    n_begun = np.searchsorted(starts, asked["t1"].dt.epoch("us").to_numpy(), side="right")
    reached = np.where(n_begun > 0, latest[np.maximum(n_begun - 1, 0)], np.iinfo(np.int64).min)
    return np.asarray(reached >= asked["window_start"].dt.epoch("us").to_numpy())
