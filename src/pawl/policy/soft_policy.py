"""From predictions to an instruction: the soft policy score, the action it chooses and the size of the position."""

from functools import reduce
from operator import add

import polars as pl

from pawl.errors import SchemaError
from pawl.policy.policy_config import PolicyConfig

__all__ = ["POLICY_INPUTS", "apply_policy", "soft_policy_score"]

OVERHEATED = 0.8
LATE_BREAKDOWN = 1.1

NUMBERS = ("atr_smooth", "state_prob_peak", "pred_rebound_prob", "pred_expected_ret_pct", "pred_expected_dd_pct")
PREDICTIONS = NUMBERS[2:]
TAGS = ("I_vr_and_vs", "I_bd_late", "I_bd_early", "state_prob_missing")

POLICY_INPUTS = ("ticker", "ts", *NUMBERS, *TAGS)
"""The columns that `apply_policy` reads."""


def soft_policy_score(probs: pl.Expr, ret: pl.Expr, dd: pl.Expr, risk_aversion: float) -> pl.Expr:
    """`P_up · ret/100 − λ · max(0, −dd/100)`: expected gain less the weighed expected drawdown, a fraction.

    probs: probability of a rebound in [0, 1]. ret, dd: expected return and drawdown in PERCENT (dd ≤ 0 is a loss; a
    positive one adds no penalty). A null in any of them gives null.

    >>> two = pl.DataFrame({"p": [0.6, 0.6], "ret": [2.0, 2.0], "dd": [-1.0, 1.0]})
    >>> two.select(soft_policy_score(pl.col("p"), pl.col("ret"), pl.col("dd"), 0.5).round(9)).to_series().to_list()
    [0.007, 0.012]
    """
    penalty = (-dd / 100).clip(lower_bound=0.0)
    return probs * (ret / 100) - risk_aversion * penalty


def apply_policy(frame: pl.DataFrame, config: PolicyConfig) -> pl.DataFrame:
    """Add `policy_score` (adjusted by the tags), `ex_ante_vol`, `action`, `position_size` and `reason`.

    frame: one row a ticker and ts with POLICY_INPUTS; rows may stand in any order and keep it. A ticker's rows are read
    in time order, up to their own and no further.
    action: long, short or flat. position_size: share of the ticker's capital, signed as the action, 0 when flat.
    reason: null, or why a row is flat although nothing was decided (a prediction, tag or volatility is null or not
    finite; or only a missing Peak probability kept it from being short).
    A missing column is a SchemaError that names it.

    >>> row = {"ticker": "A", "ts": 1, "atr_smooth": 0.01, "I_vr_and_vs": False, "I_bd_late": False,
    ...        "I_bd_early": False, "state_prob_peak": 0.1, "state_prob_missing": 0, "pred_rebound_prob": 0.6,
    ...        "pred_expected_ret_pct": 2.0, "pred_expected_dd_pct": -1.0}
    >>> apply_policy(pl.DataFrame([row]), PolicyConfig(vol_window=1)).select("action", "position_size").row(0)
    ('long', 0.7)
    """
    absent = [name for name in POLICY_INPUTS if name not in frame.columns]
    if absent:
        raise SchemaError(
            f"column `{absent[0]}` is missing", where="policy, input frame", fix=f"hand in all of {', '.join(absent)}"
        )
    finite = [_finite(name).alias(f"_{name}") for name in NUMBERS]
    tags = [pl.col(name).cast(pl.Boolean).alias(f"_{name}") for name in TAGS]
    return (
        frame.with_columns(finite + tags)
        .with_columns(policy_score=_adjusted_score(config), ex_ante_vol=_ex_ante_vol(config.vol_window))
        .with_columns(action=_action(config), reason=_reason(config))
        .with_columns(action=pl.when(pl.col("reason").is_null()).then("action").otherwise(pl.lit("flat")))
        .with_columns(position_size=_position_size(config))
        .drop([f"_{name}" for name in NUMBERS + TAGS])
    )


def _finite(name: str) -> pl.Expr:
    value = pl.col(name).cast(pl.Float64)
    return pl.when(value.is_finite()).then(value)


def _adjusted_score(config: PolicyConfig) -> pl.Expr:
    probs, ret, dd = (pl.col(f"_{name}") for name in PREDICTIONS)
    score = soft_policy_score(probs, ret, dd, config.risk_aversion)
    overheated = pl.when("_I_vr_and_vs").then(OVERHEATED).otherwise(1.0)
    strengthened = pl.when("_I_bd_late").then(LATE_BREAKDOWN).otherwise(1.0)
    # The multipliers speak of longs. On a negative score they would turn their meaning round.
    return pl.when(score > 0).then(score * (overheated * strengthened)).otherwise(score)


def _ex_ante_vol(window: int) -> pl.Expr:
    # Summed in one fixed order, not by a running sum: the value then depends on these rows alone, to the last bit,
    # however long the history before them is.
    rows = [pl.col("_atr_smooth").shift(lag) for lag in range(window)]
    # (sum_horizontal adds in an order that depends on the threads that happen to be free.)
    return (reduce(add, rows) / window).over("ticker", order_by="ts")


def _may_short() -> tuple[pl.Expr, pl.Expr]:
    """Whether the Peak probability is known, and whether the early-breakdown tag is set."""
    is_known = ~pl.col("_state_prob_missing") & pl.col("_state_prob_peak").is_not_null()
    return is_known, pl.col("_I_bd_early")


def _action(config: PolicyConfig) -> pl.Expr:
    score = pl.col("policy_score")
    is_peak_known, is_breaking_down = _may_short()
    is_peak = is_peak_known & (pl.col("_state_prob_peak") >= config.peak_prob_threshold)
    return (
        pl.when(score >= config.theta_long)
        .then(pl.lit("long"))
        .when((score <= config.theta_short) & (is_breaking_down | is_peak))
        .then(pl.lit("short"))
        .otherwise(pl.lit("flat"))
    )


def _reason(config: PolicyConfig) -> pl.Expr:
    is_peak_known, is_breaking_down = _may_short()
    return (
        pl.when(pl.any_horizontal(pl.col(f"_{name}").is_null() for name in PREDICTIONS))
        .then(pl.lit("prediction is missing"))
        .when(pl.any_horizontal(pl.col(f"_{name}").is_null() for name in TAGS))
        .then(pl.lit("tag is missing"))
        .when(pl.col("ex_ante_vol").is_null())
        .then(pl.lit("volatility is missing"))
        .when((pl.col("policy_score") <= config.theta_short) & ~is_breaking_down & ~is_peak_known)
        .then(pl.lit("Peak probability is missing"))
    )


def _position_size(config: PolicyConfig) -> pl.Expr:
    volatility = pl.col("ex_ante_vol").clip(lower_bound=config.vol_floor)
    size = (config.k * pl.col("policy_score") / volatility).clip(-config.size_max, config.size_max)
    return pl.when(pl.col("action") != "flat").then(size).otherwise(0.0)
