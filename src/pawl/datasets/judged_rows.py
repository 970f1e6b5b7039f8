"""Utility and label of whole frames, as `policy` gives them one by one, by settings that are handed in."""

import polars as pl

from pawl.datasets.passport_settings import PassportSettings
from pawl.policy.label_quality import LabelQuality
from pawl.policy.risk_rules import with_violations
from pawl.policy.utility import DECIMALS

__all__ = ["judged"]

HOUR_SEC = 3600


def judged(rows: pl.DataFrame, settings: PassportSettings) -> pl.DataFrame:
    """The rows with rule_violations, direction_hit, utility_score, label_quality and is_invalid_output (false).

    rows: finished ones, as `finished_rows` gives them. A row whose outcome is not finite has no utility, and stays
    pending.
    """
    marked = rows.with_columns(is_invalid_output=pl.lit(value=False))
    with_rules = with_violations(marked, settings.limits).drop("broken_rules")
    move = pl.col("move_bps")
    is_hit = (
        pl.when(pl.col("direction") == "long")
        .then(move > 0)
        .when(pl.col("direction") == "short")
        .then(move < 0)
        .otherwise(move.abs() < settings.utility.neutral_band_bps)
    )
    w = settings.utility
    # The same sum in the same order as `utility_score`, so that both round alike.
    utility = (
        w.w1 * pl.col("pnl_bps")
        - w.w2 * pl.col("max_drawdown_bps")
        - w.w3 * pl.col("rule_violations")
        + w.w4 * pl.col("direction_hit").cast(pl.Float64)
        - w.w5 * (pl.col("hold_sec") / HOUR_SEC)
    )
    return (
        with_rules.with_columns(direction_hit=is_hit.fill_null(value=False))
        .with_columns(utility_score=pl.when(utility.is_finite()).then(utility.round(DECIMALS)))
        .with_columns(label_quality=_label(settings))
    )


def _label(settings: PassportSettings) -> pl.Expr:
    utility = pl.col("utility_score")
    return (
        pl.when(utility.is_null())
        .then(pl.lit(LabelQuality.PENDING.value))
        .when((pl.col("rule_violations") > 0) | (utility < settings.labels.bad_below))
        .then(pl.lit(LabelQuality.BAD.value))
        .when(utility >= settings.labels.good_from)
        .then(pl.lit(LabelQuality.GOOD.value))
        .otherwise(pl.lit(LabelQuality.AMBIGUOUS.value))
    )
