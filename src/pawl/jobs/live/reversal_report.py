"""What a full training of `reversal` leaves beside its version: its weekly report, its files, its data, its verdict."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from typing import Any

import polars as pl
import sqlalchemy as sa

from pawl.gates.reversal_gate import weekly_gate
from pawl.gates.verdict import Verdict
from pawl.jobs.live.training_world import TrainingWorld
from pawl.jobs.live.version_files import name_files
from pawl.jobs.training import Conclusion, Fitted
from pawl.lake.atomic import write_atomically
from pawl.learners.learner import Fit
from pawl.learners.reversal import Reversal
from pawl.learners.reversal_files import VersionFacts
from pawl.learners.reversal_report import ReversalReport, weekly_report
from pawl.learners.reversal_samples import FEATURES, ReversalSamples, windowed
from pawl.ledger.number_types import Fixed
from pawl.ledger.training_tables import train_jobs
from pawl.registry.versions import Beside

__all__ = ["WeeklyOrder", "conclude_weekly", "report_columns", "training_csv", "weekly_verdict"]

_SAMPLES = ("train_samples", "val_samples", "test_samples")
_LOSSES = ("train_loss", "val_loss", "test_loss", "train_accuracy", "val_accuracy", "test_accuracy")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyOrder:
    """at: of the training. decide: (tx, verdict-maker's report) → what becomes of the version, in its transaction.

    elapsed: seconds since it began, None where nobody asks.
    """

    at: datetime
    decide: Callable[[sa.Connection, Fitted, ReversalReport], None]
    elapsed: Callable[[], float | None]


def conclude_weekly(world: TrainingWorld, learner: Reversal, order: WeeklyOrder) -> Callable[[Fitted], Conclusion]:
    """What `train` is to keep of a full training of `reversal`."""

    def conclude(fitted: Fitted) -> Conclusion:
        fit = fitted.fits[learner.spec.name]
        report = weekly_report(learner, fit, fitted.bars, world.costs)
        told = report.to_json()
        metrics = {f"report_{name}": told[name] for name in _flat(told)}
        facts = VersionFacts(
            version=fitted.version,
            parent_version=None,
            training_type="full",
            trained_at=order.at,
            metrics={**fit.metrics, **metrics},
        )
        named = name_files(world.workspace.artifacts, world.workspace.home, learner.save(fit.model), facts)
        csv = _export(world, learner, fitted.bars, order.at)
        seconds = order.elapsed()
        beside = Beside(
            columns={
                **report_columns(fit, report),
                **_period(learner, fitted.bars),
                "training_duration_seconds": None if seconds is None else round(seconds),
                **named.columns,
            },
            report={name: told[name] for name in _flat(told)},
            artifacts={"files": sorted(named.files), "report": told, "training_data": csv},
            paths=named.paths,
            settle=lambda tx: order.decide(tx, fitted, report),
        )
        return Conclusion(files=named.files, metrics=metrics, beside=beside)

    return conclude


def weekly_verdict(learner: Reversal, report: ReversalReport, *, is_first: bool) -> Verdict:
    """Whether a weekly version may be tried in the traffic, or start the series while nothing serves (`is_first`).

    The first one has to show signals and trades as well: one that always holds would go on serving unbeaten.
    """
    judged = weekly_gate(learner.config.min_report_rows).judge({}, report.figures())
    return replace(judged, is_first=is_first)


def report_columns(fit: Fit[Any], report: ReversalReport) -> dict[str, float | int | None]:
    """The columns of the training job. What is NaN, or too great for its column, stays empty; the report has it."""
    signals, trades = report.signals, report.trades
    wanted: dict[str, float | None] = {
        **{name: fit.metrics.get(name) for name in _LOSSES},
        "precision": signals.precision,
        "recall": signals.recall,
        "f1_score": signals.f1_score,
        "backtest_win_rate": trades.win_rate,
        "backtest_sharpe_ratio": trades.sharpe_ratio,
        "backtest_max_drawdown": trades.max_drawdown,
        "backtest_total_pnl": trades.total_pnl,
    }
    counts = {name: int(fit.metrics[name]) for name in _SAMPLES if name in fit.metrics}
    return {
        **{name: _fitting(name, value) for name, value in wanted.items()},
        **counts,
        "num_samples": sum(counts.values()),
    }


def training_csv(learner: Reversal, bars: pl.DataFrame) -> bytes:
    """One row a labelled window: ticker, ts, the features of its last bar, signal_id, confidence, t1, and its part.

    part: train, validation or test; rows purged between two parts have none and are left out.
    """
    data = windowed(bars, learner.label(bars), learner.config.network.sequence_length)
    samples = ReversalSamples.of(data, learner.config)
    parts = {"train": samples.train, "validation": samples.valid, "test": samples.test}
    columns = ("ticker", "ts", *FEATURES, "signal_id", "label_confidence", "t1")
    frames = [data.frame.select(columns)[rows].with_columns(part=pl.lit(part)) for part, rows in parts.items()]
    return pl.concat(frames).sort("ts", "ticker").write_csv(float_precision=8).encode()


def _export(world: TrainingWorld, learner: Reversal, bars: pl.DataFrame, at: datetime) -> str:
    path = world.workspace.home / "data" / "continuous" / f"training_data_{at:%Y%m%d}.csv"
    write_atomically(path, training_csv(learner, bars))
    return path.relative_to(world.workspace.home).as_posix()


def _period(learner: Reversal, bars: pl.DataFrame) -> dict[str, datetime]:
    """First and last instant of the months that were fitted and reported on."""
    newest: datetime = bars["available_at"].max()  # type: ignore[assignment]
    since = pl.select(pl.lit(newest).dt.offset_by(f"-{learner.config.months}mo")).item()
    first: datetime = bars.filter(pl.col("available_at") >= since)["available_at"].min()  # type: ignore[assignment]
    return {"data_start_date": first, "data_end_date": newest}


def _fitting(name: str, value: float | None) -> float | None:
    if value is None or not isfinite(value):
        return None
    kind = train_jobs.c[name].type
    assert isinstance(kind, Fixed)
    return value if abs(round(value, kind.scale)) < 10 ** (kind.precision - kind.scale) else None


def _flat(told: dict[str, Any]) -> list[str]:
    return [name for name, value in told.items() if isinstance(value, float | int | None)]
