"""A simple model to stand in for the policy model: it goes with the trend of the last hours, the surer the clearer.

It is no learner: nothing in it is fitted. It exists so that a crowd has recommendations to follow, to ignore and to
override, and so that they are right a little more often than not where markets trend.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import polars as pl

from pawl.market.basis_points import BPS
from pawl.policy.action import Action
from pawl.policy.plan import EntryPlan, Plan, RiskPlan, TakeProfit

__all__ = ["CALL_LEVERAGE", "CALL_STANDS", "plan_of", "trend_calls"]

TREND_SPAN = 12  # bars
SPREAD_BARS = 24
CLEAR = 0.2  # trend from which there is a call, in volatilities
CALL_STANDS = timedelta(hours=1)
CALL_LEVERAGE = 2.0
STOP_HOURS = 4
STOP_TIMES, TARGET_TIMES = 1.2, 1.2
SUREST = 0.2  # above a half
MAX_POSITION_PCT = 8.0


def trend_calls(bars: pl.DataFrame) -> pl.DataFrame:
    """The calls that bars of one hour give, each at the instant its bar became known.

    bars: ticker, ts, available_at, close; sorted by (ticker, ts). Columns: ticker, at, price, trend (mean hourly log
    return in volatilities, newer ones weigh more), volatility, direction, confidence, sl_bps, tp_bps; no row where the
    trend is not clear.
    """
    log_return = pl.col("close").log().diff()
    measured = bars.with_columns(
        _mean=log_return.ewm_mean(span=TREND_SPAN, ignore_nulls=True).over("ticker"),
        volatility=log_return.rolling_std(SPREAD_BARS).over("ticker"),
    ).with_columns(trend=pl.col("_mean") / pl.col("volatility"))
    trend, reach = pl.col("trend"), pl.col("volatility") * STOP_HOURS**0.5 * BPS
    return (
        measured.filter(trend.is_finite() & (trend.abs() >= CLEAR))
        .select(
            "ticker",
            at="available_at",
            price="close",
            trend=trend,
            volatility="volatility",
            direction=pl.when(trend > 0).then(pl.lit(Action.LONG.value)).otherwise(pl.lit(Action.SHORT.value)),
            confidence=(0.5 + SUREST * trend.abs().tanh()).round(4),
            sl_bps=(STOP_TIMES * reach).round(2),
            tp_bps=(TARGET_TIMES * reach).round(2),
        )
        .sort("at", "ticker")
    )


def plan_of(call: Mapping[str, Any]) -> Plan:
    """A row of `trend_calls` as the plan a policy model answers with."""
    price, trend = float(call["price"]), float(call["trend"])
    return Plan(
        direction=Action(call["direction"]),
        entry_plan=EntryPlan(low=price * 0.999, high=price * 1.001, split=1),
        risk_plan=RiskPlan(sl_bps=float(call["sl_bps"]), max_position_pct=MAX_POSITION_PCT),
        tp_plan=(TakeProfit(level=1, tp_bps=float(call["tp_bps"]), size_pct=100.0),),
        confidence=float(call["confidence"]),
        rationale=f"the trend of the last {TREND_SPAN} hours is {trend:+.2f} volatilities an hour",
        invalidators=(f"the trend falls below {CLEAR:g}",),
    )
