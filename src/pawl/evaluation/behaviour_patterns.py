"""The weaknesses that trajectories can show, one expression or frame each: when one could occur, and when it did."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from pawl.evaluation.behaviour_rows import INSTANT
from pawl.evaluation.behaviour_settings import BehaviourSettings
from pawl.market.basis_points import BPS
from pawl.policy.risk_rules import RiskLimits

__all__ = ["EXPOSURE_SCHEMA", "PATTERNS", "Pattern", "PatternLimits"]

EXPOSURE_SCHEMA = pl.Schema(
    {
        "at": INSTANT,
        "is_occurrence": pl.Boolean(),
        "is_control": pl.Boolean(),
        "pnl_bps": pl.Float64(),
        "trajectory_ids": pl.List(pl.String()),
    }
)
"""One row an occasion. at: when it was known whether it did occur. is_control: an occasion of the same user on which
the same act is no weakness; its rate is one more base rate. trajectory_ids: what shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternLimits:
    """From where on something counts."""

    behaviour: BehaviourSettings
    risk: RiskLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One weakness. meaning: what one occurrence is. occasion: what one exposure is, in the plural.

    exposures: BEHAVIOUR_SCHEMA rows → EXPOSURE_SCHEMA rows.
    """

    name: str
    meaning: str
    occasion: str
    exposures: Callable[[pl.DataFrame, PatternLimits], pl.DataFrame]


SIGN = pl.when(pl.col("side") == "long").then(1.0).otherwise(-1.0)
CLOSED_AT = pl.col("opened_at") + pl.duration(seconds=pl.col("hold_sec"))


def _trades(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("side").is_not_null())


def _closed(rows: pl.DataFrame) -> pl.DataFrame:
    return _trades(rows).filter(pl.col("pnl_bps").is_not_null(), pl.col("hold_sec").is_not_null())


def _occasions(rows: pl.DataFrame, at: pl.Expr, is_occurrence: pl.Expr) -> pl.DataFrame:
    return rows.select(
        at=at,
        is_occurrence=is_occurrence,
        is_control=pl.lit(value=False),
        pnl_bps="pnl_bps",
        trajectory_ids=pl.concat_list("trajectory_id"),
    )


def _chasing_overbought(rows: pl.DataFrame, limits: PatternLimits) -> pl.DataFrame:
    # Whoever follows a recommendation into a stretched market follows the model: that is no habit of the user's.
    own = _trades(rows).filter(pl.col("stretch").is_not_null(), ~pl.col("followed").fill_null(value=False))
    return _occasions(own, pl.col("opened_at"), SIGN * pl.col("stretch") >= limits.behaviour.stretch_above)


def _delayed_stops(rows: pl.DataFrame, limits: PatternLimits) -> pl.DataFrame:
    fell_bps = -SIGN * (pl.col("exit_price") / pl.col("entry_price") - 1) * BPS
    stop_bps = -SIGN * (pl.col("stop_price") / pl.col("entry_price") - 1) * BPS
    beyond = fell_bps - stop_bps
    tolerance = pl.max_horizontal(
        pl.lit(limits.behaviour.stop_tolerance_bps), limits.behaviour.stop_tolerance_share * stop_bps
    )
    # Only a trade that ended on the losing side can have ended beyond its stop.
    lost = _closed(rows).filter(stop_bps > 0, fell_bps > 0)
    return _occasions(lost, CLOSED_AT, beyond > tolerance)


def _over_leverage(rows: pl.DataFrame, limits: PatternLimits) -> pl.DataFrame:
    return _occasions(_trades(rows), pl.col("opened_at"), pl.col("leverage") > limits.risk.max_leverage)


def _no_stop_loss(rows: pl.DataFrame, limits: PatternLimits) -> pl.DataFrame:
    return _occasions(_trades(rows), pl.col("opened_at"), pl.col("stop_price").is_null())


def _revenge_trading(rows: pl.DataFrame, limits: PatternLimits) -> pl.DataFrame:
    settings = limits.behaviour
    ends = _closed(rows).filter(pl.col("pnl_bps") != 0).with_columns(closed_at=CLOSED_AT).sort("closed_at")
    opened = _trades(rows).select(
        pl.col("opened_at").alias("next_opened_at"),
        pl.col("trajectory_id").alias("next_id"),
        pl.col("size").alias("next_size"),
        pl.col("leverage").alias("next_leverage"),
        pl.col("pnl_bps").alias("next_pnl_bps"),
    )
    after = ends.join_asof(
        opened.sort("next_opened_at", "next_id"),
        left_on="closed_at",
        right_on="next_opened_at",
        strategy="forward",
        tolerance=timedelta(seconds=settings.revenge_within_sec),
        coalesce=False,
    )
    # Several positions may end before the next one opens; it can only be revenge for the last of them.
    answered = after.filter(pl.col("next_id").is_not_null()).unique("next_id", keep="last", maintain_order=True)
    alone = after.filter(pl.col("next_id").is_null())
    is_riskier = (pl.col("next_size") >= settings.revenge_times * pl.col("size")) | (
        pl.col("next_leverage") >= settings.revenge_times * pl.col("leverage")
    )
    return pl.concat([answered, alone]).select(
        at="closed_at",
        is_occurrence=is_riskier.fill_null(value=False),
        is_control=pl.col("pnl_bps") > 0,
        pnl_bps="next_pnl_bps",
        trajectory_ids=pl.concat_list("trajectory_id", "next_id").list.drop_nulls(),
    )


def _holding_losers(rows: pl.DataFrame, limits: PatternLimits) -> pl.DataFrame:
    ended = _closed(rows).filter(pl.col("pnl_bps") != 0)
    usual = ended.filter(pl.col("pnl_bps") > 0).get_column("hold_sec").median()
    if usual is None:
        return EXPOSURE_SCHEMA.to_frame()
    is_long = pl.col("hold_sec") > limits.behaviour.holding_times * pl.lit(usual)
    return _occasions(ended, CLOSED_AT, is_long).with_columns(is_control=pl.col("pnl_bps") > 0)


def _overriding_right_calls(rows: pl.DataFrame, limits: PatternLimits) -> pl.DataFrame:
    is_override = pl.col("is_recommended").fill_null(value=False) & pl.col("overrode").fill_null(value=False)
    ended = _closed(rows).filter(is_override, pl.col("recommendation_hit").is_not_null())
    return _occasions(ended, CLOSED_AT, pl.col("recommendation_hit"))


PATTERNS: dict[str, Pattern] = {
    one.name: one
    for one in (
        Pattern(
            name="chasing_overbought",
            meaning="a long after a strong rise, or a short after a strong fall, of one's own accord",
            occasion="trades of one's own in a known market",
            exposures=_chasing_overbought,
        ),
        Pattern(
            name="delayed_stops",
            meaning="an exit well beyond the stop that was set",
            occasion="losses with a stop",
            exposures=_delayed_stops,
        ),
        Pattern(
            name="over_leverage",
            meaning="leverage above the limit",
            occasion="trades",
            exposures=_over_leverage,
        ),
        Pattern(
            name="no_stop_loss",
            meaning="a trade without a stop",
            occasion="trades",
            exposures=_no_stop_loss,
        ),
        Pattern(
            name="revenge_trading",
            meaning="a larger or more leveraged trade right after a loss",
            occasion="losses",
            exposures=_revenge_trading,
        ),
        Pattern(
            name="holding_losers",
            meaning="a loss held far longer than the median win",
            occasion="losses",
            exposures=_holding_losers,
        ),
        Pattern(
            name="overriding_right_calls",
            meaning="a recommendation that was overridden and then was right",
            occasion="overridden recommendations",
            exposures=_overriding_right_calls,
        ),
    )
}
"""By name; `BaseRates` has a field for each."""
