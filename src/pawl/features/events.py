"""What just happened: events and tags, true or false; null while what they compare is not known."""

import polars as pl

from pawl.features import rolling
from pawl.features.bar_columns import CLOSE, LOW
from pawl.features.curvature import curv_2
from pawl.features.feature import FeatureKind, feature
from pawl.features.momentum import ema_spread_rel, price_accel, rsi_smooth
from pawl.features.price import dist_sma60, ret_5
from pawl.features.volatility import range_z_20
from pawl.features.volume import volume_ratio_20

__all__ = [
    "I_bd_early",
    "I_bd_late",
    "I_vr_and_vs",
    "breakdown_days_10",
    "event_breakdown_risk",
    "event_local_vol_spike",
    "event_rebound_candidate",
    "event_volume_regain",
]

INDICATOR = FeatureKind.INDICATOR
COUNT = FeatureKind.COUNT


@feature(reads={range_z_20: 1}, unit="true/false", kind=INDICATOR, limits=[(range_z_20, 2.0)])
def event_local_vol_spike() -> pl.Expr:
    """True range / close at least 2 σ above its mean, both of the 20 bars before."""
    return pl.col("range_z_20") >= 2.0


@feature(
    reads={volume_ratio_20: 6},
    unit="true/false",
    kind=INDICATOR,
    limits=[(volume_ratio_20, 1.0), (volume_ratio_20, 0.8)],
)
def event_volume_regain() -> pl.Expr:
    """volume_ratio_20 back at 1.0 or more, below it yesterday, and below 0.8 once in the 5 bars before."""
    today = pl.col("volume_ratio_20")
    before = rolling.lag(today, 1)
    return (today >= 1.0) & (before < 1.0) & (rolling.lowest_before(today, 5) < 0.8)


@feature(
    reads={"close": 20, rsi_smooth: 1, price_accel: 1},
    unit="true/false",
    kind=INDICATOR,
    limits=[(rsi_smooth, 40.0), (price_accel, 0.0)],
)
def event_rebound_candidate() -> pl.Expr:
    """Close at least 8 % below the highest of 20, rsi_smooth below 40, price_accel above 0."""
    return (rolling.drawdown(CLOSE, 20) <= -0.08) & (pl.col("rsi_smooth") < 40) & (pl.col("price_accel") > 0)


@feature(
    reads={"close": 1, "low": 21, ema_spread_rel: 1, dist_sma60: 1, ret_5: 1},
    unit="true/false",
    kind=INDICATOR,
    limits=[(ema_spread_rel, 0.0), (dist_sma60, 0.0), (ret_5, -0.03)],
)
def event_breakdown_risk() -> pl.Expr:
    """Close below the lowest low of the 20 bars before, or means falling, close below its mean of 60, ret_5 < -3 %."""
    is_below_support = CLOSE < rolling.lowest_before(LOW, 20)
    is_falling = (pl.col("ema_spread_rel") < 0) & (pl.col("dist_sma60") < 0) & (pl.col("ret_5") < -0.03)
    return is_below_support | is_falling


@feature(reads={event_breakdown_risk: 10}, unit="bars", kind=COUNT)
def breakdown_days_10() -> pl.Expr:
    """Bars with event_breakdown_risk among the last 10."""
    return rolling.count(pl.col("event_breakdown_risk"), 10)


@feature(reads={event_breakdown_risk: 1, breakdown_days_10: 1}, unit="true/false", kind=INDICATOR)
def I_bd_early() -> pl.Expr:  # noqa: N802 - the column's name is given
    """Breakdown risk now, and on at most 3 of the last 10 bars, today included."""
    return pl.col("event_breakdown_risk") & (pl.col("breakdown_days_10") <= 3)


@feature(reads={breakdown_days_10: 1, curv_2: 1}, unit="true/false", kind=INDICATOR, limits=[(curv_2, 0.0)])
def I_bd_late() -> pl.Expr:  # noqa: N802 - the column's name is given
    """Breakdown risk on at least 5 of the last 10 bars, and the price already bends upwards (curv_2 > 0)."""
    return (pl.col("breakdown_days_10") >= 5) & (pl.col("curv_2") > 0)


@feature(reads={event_volume_regain: 3, event_local_vol_spike: 3}, unit="true/false", kind=INDICATOR)
def I_vr_and_vs() -> pl.Expr:  # noqa: N802 - the column's name is given
    """A volume regain and a volatility spike, each on one of the last 3 bars."""
    regains = rolling.count(pl.col("event_volume_regain"), 3)
    spikes = rolling.count(pl.col("event_local_vol_spike"), 3)
    return (regains >= 1) & (spikes >= 1)
