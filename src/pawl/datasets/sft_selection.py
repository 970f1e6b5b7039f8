"""Supervised samples (L3): the best tenth by risk-adjusted return of every regime, among what broke no rule."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from pawl.datasets.passport_settings import SftSettings
from pawl.policy.label_quality import LabelQuality
from pawl.policy.risk_rules import RiskLimits, rule_abiding

__all__ = ["SftReport", "SftSelection", "SftSettings", "risk_adjusted_return", "select_sft"]

DRAWDOWN_FLOOR_BPS = 10.0
STRATEGY_COLUMNS = ("ticker", "market_regime", "session_band", "direction")
"""One strategy in one context: its results are counted together when it is asked whether they repeat."""

# A share of 0.036 of 750 rows is 27, and 26.999999999999996 to a float.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class SftReport:
    """What became of the trajectories. n_below_decile: those of large enough regimes that were not among the best;
    n_small_regime: those of regimes with too few; n_not_good: among the best, but not labelled good.
    """

    n_trajectories: int
    n_rule_breakers: int
    n_by_rule: Mapping[str, int]
    n_unsettled: int
    n_small_regime: int
    n_below_decile: int
    n_not_good: int
    n_samples: int
    n_by_regime: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class SftSelection:
    """rows: the samples in the order of `sft_rank` (1 the best), with risk_adjusted_return and consistency."""

    rows: pl.DataFrame
    report: SftReport


def risk_adjusted_return() -> pl.Expr:
    """`pnl_bps / max(max_drawdown_bps, 10)`: the floor keeps a trade that hardly moved from looking perfect.

    >>> pl.DataFrame({"pnl_bps": [60.0, 60.0], "max_drawdown_bps": [20.0, 0.0]}).select(risk_adjusted_return()).rows()
    [(3.0,), (6.0,)]
    """
    drawdown = pl.max_horizontal("max_drawdown_bps", pl.lit(DRAWDOWN_FLOOR_BPS))
    return (pl.col("pnl_bps") / drawdown).alias("risk_adjusted_return")


def select_sft(trajectories: pl.DataFrame, settings: SftSettings, limits: RiskLimits) -> SftSelection:
    """The samples to imitate, from the trajectories of the training window.

    trajectories: STRATEGY_COLUMNS, what the risk rules read, trajectory_id, decided_at, label_quality, utility_score,
    pnl_bps and max_drawdown_bps. Rule breakers go first, whatever they earned; then every regime with enough samples
    gives the best `top_share` of all its final ones, as far as they are labelled good.

    Rank: by (place of the utility within the regime, in (0, 1]) × consistency. consistency: (wins + 1) / (results + 2)
    of the strategy in its context, so that one lucky win stands below nine of ten. The higher either, the better.
    """
    abiding = rule_abiding(trajectories, limits)
    numbers = ("utility_score", "pnl_bps", "max_drawdown_bps")
    settled = abiding.rows.filter(
        (pl.col("label_quality") != LabelQuality.PENDING.value)
        & pl.all_horizontal(pl.col(name).is_finite() for name in numbers)
        & (pl.col("max_drawdown_bps") >= 0)
        & pl.all_horizontal(pl.col(name).is_not_null() for name in STRATEGY_COLUMNS)
    )
    order = ("risk_adjusted_return", "utility_score", "decided_at", "trajectory_id")
    n_in_regime = pl.len().over("market_regime")
    scored = (
        settled.with_columns(
            risk_adjusted_return(),
            consistency=((pl.col("pnl_bps") > 0).sum() + 1).over(STRATEGY_COLUMNS)
            / (pl.len().over(STRATEGY_COLUMNS) + 2),
            _utility_place=pl.col("utility_score").rank("average").over("market_regime") / n_in_regime,
            _n=n_in_regime,
        )
        .sort(order, descending=[True, True, False, False])
        .with_columns(_place=pl.int_range(pl.len()).over("market_regime"))
    )
    large = scored.filter(pl.col("_n") >= settings.min_per_regime)
    best = large.filter(pl.col("_place") < (pl.col("_n") * settings.top_share + ROUNDING).floor())
    samples = (
        best.filter(label_quality=LabelQuality.GOOD.value)
        .sort(pl.col("_utility_place") * pl.col("consistency"), *order[1:], descending=[True, True, False, False])
        .with_columns(sft_rank=pl.int_range(1, pl.len() + 1))
        .select(*trajectories.columns, "risk_adjusted_return", "consistency", "sft_rank")
    )
    report = SftReport(
        n_trajectories=trajectories.height,
        n_rule_breakers=abiding.n_removed,
        n_by_rule=abiding.n_by_rule,
        n_unsettled=abiding.rows.height - settled.height,
        n_small_regime=scored.height - large.height,
        n_below_decile=large.height - best.height,
        n_not_good=best.height - samples.height,
        n_samples=samples.height,
        n_by_regime=dict(samples.group_by("market_regime").len().sort("market_regime").iter_rows()),
    )
    return SftSelection(samples, report)
