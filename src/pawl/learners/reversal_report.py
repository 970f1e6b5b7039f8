"""What a version of reversal is judged on: its classes and its trades over rows that it has not read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

import numpy as np
import polars as pl

from pawl.evaluation.backtest import backtest
from pawl.evaluation.backtest_fields import BacktestFields, backtest_fields
from pawl.evaluation.costs import Costs
from pawl.evaluation.signal_figures import SignalFigures, signal_figures
from pawl.evaluation.trading import net_return
from pawl.gates.figure import Figure, Figures, Measured, Unmeasured
from pawl.labels.reversal import SIGNAL_CLASSES
from pawl.learners.learner import Fit
from pawl.learners.reversal import Reversal
from pawl.market.basis_points import BPS
from pawl.models.signal_answers import SignalModel

__all__ = ["ReversalReport", "report_on", "weekly_report"]

_NUMBER = {name: place for place, name in enumerate(SIGNAL_CLASSES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalReport:
    """start, end: of the rows, as decision instants. pnl_bps: net return after costs over all pairs, 0 without a trade.

    signals: of the labelled rows. trades: of all rows.
    """

    start: datetime
    end: datetime
    signals: SignalFigures
    trades: BacktestFields
    pnl_bps: float

    def to_json(self) -> dict[str, Any]:
        """precision, recall, f1_score, confusion_matrix, the backtest's fields and the rest; what is NaN is null."""
        figures: dict[str, Any] = {**asdict(self.signals), **asdict(self.trades), "pnl_bps": self.pnl_bps}
        confusion = figures.pop("confusion")
        numbers = {
            name: None if isinstance(value, float) and not isfinite(value) else value for name, value in figures.items()
        }
        return {
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            **numbers,
            "confusion_matrix": [list(row) for row in confusion],
            "classes": list(SIGNAL_CLASSES),
        }

    def figures(self) -> Figures:
        """As a gate reads them; what is null is unmeasured, which fails."""
        signals, trades, n = self.signals, self.trades, self.signals.n
        of_rows = {
            "f1_score": signals.f1_score,
            "non_hold_recall": signals.non_hold_recall,
            "n_signals": float(signals.n_signals),
            "pnl_bps": self.pnl_bps,
        }
        of_trades: Mapping[str, float | None] = {
            "win_rate": trades.win_rate,
            "sharpe_ratio": trades.sharpe_ratio,
            "max_drawdown": trades.max_drawdown,
        }
        found: dict[str, Measured] = {name: Figure(value, n) for name, value in of_rows.items()}
        for name, value in of_trades.items():
            n_trades = trades.total_trades
            found[name] = Unmeasured(f"{n_trades} trades") if value is None else Figure(value, n_trades)
        # A count of nothing is a figure too, and rests on the rows that might have been traded.
        found["total_trades"] = Figure(float(trades.total_trades), n)
        return found


def weekly_report(learner: Reversal, fit: Fit[SignalModel], bars: pl.DataFrame, costs: Costs) -> ReversalReport:
    """The newest `backtest_days`, as far as the fit has not read them: 30 days reach back into validation and training,
    so what is judged begins with the reported part.
    """
    newest: datetime = bars["available_at"].max()  # type: ignore[assignment]
    start = max(fit.scored_from, newest - timedelta(days=learner.config.backtest_days))
    return report_on(learner, fit.model, bars, pl.col("available_at") >= start, costs)


def report_on(
    learner: Reversal, model: SignalModel, bars: pl.DataFrame, is_scored: pl.Expr, costs: Costs
) -> ReversalReport:
    """Score a model on some rows of the bars; the other rows are history, and nothing is held behind them.

    is_scored: over the columns of silver bars. Nothing to score gives NaN and null.
    """
    chosen = bars.filter(is_scored).select("ticker", "ts")
    first = chosen["ts"].min()
    since = first if isinstance(first, datetime) else None
    predictions = learner.predict(model, bars, since=since)
    scored = predictions.join(chosen, on=["ticker", "ts"], how="semi", maintain_order="left")
    traded = bars if since is None else bars.filter(pl.col("ts") >= since)
    done = backtest(traded, learner.decide(scored), costs)
    labels = learner.label(bars).select("ticker", "ts", "signal_id")
    judged = scored.join(labels, on=["ticker", "ts"], how="inner").drop_nulls(["signal", "signal_id"])
    told = judged["signal"].replace_strict(_NUMBER, return_dtype=pl.Int64).to_numpy()
    earned = net_return(done.equity["net_return"].to_numpy())
    return ReversalReport(
        start=scored["available_at"].min() or bars["available_at"].min(),  # type: ignore[arg-type]
        end=scored["available_at"].max() or bars["available_at"].min(),  # type: ignore[arg-type]
        signals=signal_figures(np.asarray(judged["signal_id"].to_numpy(), np.int64), told, len(SIGNAL_CLASSES)),
        trades=backtest_fields(done),
        pnl_bps=earned * BPS,
    )
