"""Scoring: what a model would have decided over a span, what came of it, and how honest its confidence was."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from pawl.evaluation.backtest import Backtest, backtest
from pawl.evaluation.calibration import brier, ece
from pawl.evaluation.classification import average_precision
from pawl.evaluation.costs import Costs
from pawl.evaluation.sharpe import deflated_sharpe
from pawl.evaluation.trading import trading_metrics
from pawl.learners.learner import Learner

__all__ = ["Scored", "Span", "bars_per_year", "score"]

YEAR = timedelta(days=365.25)


@dataclass(frozen=True, slots=True)
class Span:
    """Bars whose open time lies in [start, end)."""

    start: datetime
    end: datetime

    def holds(self) -> pl.Expr:
        """Whether a row lies in it."""
        return pl.col("ts").is_between(self.start, self.end, closed="left")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One model over one span.

    metrics: trading figures after costs, average precision, Brier and ECE of the confidence. judged: the decisions with
    their `target` where it was known by the end of the span. predictions: all that the learner said, in the span.
    """

    name: str
    metrics: Mapping[str, float]
    backtest: Backtest
    predictions: pl.DataFrame
    decisions: pl.DataFrame
    judged: pl.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """Under which conditions a model is scored. n_trials: versions ever tried, which deflates the Sharpe ratio."""

    costs: Costs
    n_trials: int = 1


def score(learner: Learner[Any], model: Any, bars: pl.DataFrame, span: Span, rulebook: Rulebook) -> Scored:  # noqa: ANN401 - a model is whatever its learner fits
    """Predict, decide and trade over the span; the bars before it are history for features and nothing else."""
    known = bars.filter(pl.col("ts") < span.end)
    predictions = learner.predict(model, known, since=span.start)
    decisions = learner.decide(predictions)
    done = backtest(known.filter(span.holds()), decisions, rulebook.costs)
    labels = learner.label(known).select("ticker", "ts", "t1", "target").drop_nulls()
    judged = decisions.join(labels, on=["ticker", "ts"], how="inner").drop_nulls("probability")
    probability, target = judged["probability"].to_numpy(), judged["target"].cast(pl.Float64).to_numpy()
    returns = done.equity["net_return"].to_numpy()
    return Scored(
        name=learner.spec.name,
        metrics={
            **trading_metrics(done, bars_per_year(done.equity["ts"])).as_dict(),
            "deflated_sharpe": deflated_sharpe(returns, rulebook.n_trials),
            "average_precision": average_precision(target, probability),
            "base_rate": float(target.mean()) if target.size else float("nan"),
            "brier": brier(probability, target),
            "ece": ece(probability, target),
            **_action_shares(decisions),
        },
        backtest=done,
        predictions=predictions,
        decisions=decisions,
        judged=judged,
    )


def bars_per_year(ts: pl.Series) -> float:
    """How many distinct bars a year holds, measured on the bars themselves: 365.25 for crypto, about 252 for equities.

    >>> from datetime import UTC
    >>> days = pl.datetime_range(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC), "1d", eager=True)
    >>> bars_per_year(days)
    365.25
    """
    distinct = ts.unique().sort()
    if len(distinct) < 2:
        return float("nan")
    lasted: timedelta = distinct[-1] - distinct[0]
    return (len(distinct) - 1) * (YEAR / lasted)


def _action_shares(decisions: pl.DataFrame) -> dict[str, float]:
    n = decisions.height
    counts = {action: int((decisions["action"] == action).sum()) for action in ("long", "short", "flat")}
    return {f"{action}_share": count / n if n else float("nan") for action, count in counts.items()}
