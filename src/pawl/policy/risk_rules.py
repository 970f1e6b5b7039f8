"""The risk rules a plan or an action can break, as a table: named, counted, and kept out of training data.

A rule is broken unless the columns it reads show that it is kept: what is null or not a number counts as broken.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import polars as pl

from pawl.errors import SchemaError
from pawl.market.basis_points import BPS
from pawl.policy.action import Action
from pawl.policy.risk_limits import RiskLimits

__all__ = [
    "RISK_COLUMNS",
    "RISK_RULES",
    "Abiding",
    "Exposure",
    "RiskLimits",
    "RiskRule",
    "broken_rules",
    "rule_abiding",
    "with_violations",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What the rules read of a plan or of an action. None: not known, which a position may not be.

    sl_bps: distance of the stop loss from the entry. leverage: notional over margin. size_pct: of the capital, for a
    plan the most it would take. max_position_pct: the plan's own limit; None where there was no plan.
    is_invalid_output: a model's answer that could not be read and was replaced by flat.
    """

    direction: Action
    sl_bps: float | None = None
    leverage: float | None = None
    size_pct: float | None = None
    max_position_pct: float | None = None
    is_invalid_output: bool = False


RISK_SCHEMA = pl.Schema(
    {
        "direction": pl.String(),
        "sl_bps": pl.Float64(),
        "leverage": pl.Float64(),
        "size_pct": pl.Float64(),
        "max_position_pct": pl.Float64(),
        "is_invalid_output": pl.Boolean(),
    }
)
RISK_COLUMNS = tuple(RISK_SCHEMA)
"""The columns of a frame that the rules read: the fields of `Exposure`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRule:
    """One rule. is_kept: true where the columns show that it is kept; anything else is a breach."""

    name: str
    meaning: str
    is_kept: Callable[[RiskLimits], pl.Expr]


_STOP, _LEVERAGE, _SIZE, _OWN_LIMIT = (
    pl.col(name).cast(pl.Float64) for name in ("sl_bps", "leverage", "size_pct", "max_position_pct")
)


def _in_range(value: pl.Expr, most: pl.Expr | float) -> pl.Expr:
    """In (0, most]. Polars takes NaN for larger than any number, so NaN and infinity fail here too."""
    return value.is_finite() & (value > 0) & (value <= most)


def _unless_flat(is_kept: pl.Expr) -> pl.Expr:
    return (pl.col("direction") == Action.FLAT.value) | is_kept


RISK_RULES: tuple[RiskRule, ...] = (
    RiskRule(
        name="direction_unknown",
        meaning="the direction is none of long, short and flat",
        is_kept=lambda limits: pl.col("direction").is_in([action.value for action in Action]),
    ),
    RiskRule(
        name="no_stop_loss",
        meaning="a position without a stop loss at a distance above 0",
        is_kept=lambda limits: _unless_flat(_in_range(_STOP, float("inf"))),
    ),
    RiskRule(
        name="stop_beyond_liquidation",
        meaning="a stop loss so far away that the whole margin is lost before it",
        is_kept=lambda limits: _unless_flat(~(_STOP * _LEVERAGE >= BPS).fill_null(value=False)),
    ),
    RiskRule(
        name="leverage_above_limit",
        meaning="leverage above max_leverage, or unknown",
        is_kept=lambda limits: _unless_flat(_in_range(_LEVERAGE, limits.max_leverage)),
    ),
    RiskRule(
        name="size_above_max_position_pct",
        meaning="a position larger than the plan's max_position_pct or than that of the limits, or of unknown size",
        is_kept=lambda limits: _unless_flat(
            _in_range(_SIZE, limits.max_position_pct)
            & (_SIZE <= _OWN_LIMIT.fill_null(limits.max_position_pct).fill_nan(0.0))
        ),
    ),
    RiskRule(
        name="invalid_output",
        meaning="a model's answer that breaks the contract of plans",
        is_kept=lambda limits: ~pl.col("is_invalid_output"),
    ),
)
"""All rules; the count of the broken ones is `rule_violations`."""


def broken_rules(exposure: Exposure, limits: RiskLimits) -> tuple[str, ...]:
    """The names of the rules that one plan or action breaks, in the order of RISK_RULES.

    >>> broken_rules(Exposure(direction=Action.LONG, leverage=20, size_pct=5), RiskLimits())
    ('no_stop_loss', 'leverage_above_limit')
    >>> broken_rules(Exposure(direction=Action.FLAT), RiskLimits())
    ()
    """
    row = pl.DataFrame([{**asdict(exposure), "direction": exposure.direction.value}], schema=RISK_SCHEMA)
    return tuple(with_violations(row, limits).get_column("broken_rules").item().to_list())


def with_violations(rows: pl.DataFrame, limits: RiskLimits) -> pl.DataFrame:
    """The rows with `broken_rules` (names) and `rule_violations` (their count).

    rows: RISK_COLUMNS, a plan or an action each; a missing column is a SchemaError that names it.
    """
    absent = [name for name in RISK_COLUMNS if name not in rows.columns]
    if absent:
        raise SchemaError(
            f"column `{absent[0]}` is missing", where="risk rules", fix=f"hand in all of {', '.join(RISK_COLUMNS)}"
        )
    named = [pl.when(~rule.is_kept(limits).fill_null(value=False)).then(pl.lit(rule.name)) for rule in RISK_RULES]
    return rows.with_columns(broken_rules=pl.concat_list(named).list.drop_nulls()).with_columns(
        rule_violations=pl.col("broken_rules").list.len().cast(pl.Int64)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Abiding:
    """Rows that break no rule, in their order, and how many rows each rule kept out (a row counts under each)."""

    rows: pl.DataFrame
    n_removed: int
    n_by_rule: Mapping[str, int]


def rule_abiding(rows: pl.DataFrame, limits: RiskLimits) -> Abiding:
    """The hard filter that stands before every score: rule breakers go, whatever they earned.

    >>> trades = pl.DataFrame({"direction": ["long", "long"], "sl_bps": [120.0, None], "leverage": [2.0, 2.0],
    ...     "size_pct": [5.0, 5.0], "max_position_pct": [8.0, 8.0], "is_invalid_output": [False, False]})
    >>> kept = rule_abiding(trades, RiskLimits())
    >>> kept.rows.height, kept.n_by_rule["no_stop_loss"]
    (1, 1)
    """
    judged = with_violations(rows, limits)
    broken = judged.get_column("broken_rules").explode().drop_nulls()
    kept = rows.filter(judged.get_column("rule_violations") == 0)
    return Abiding(
        rows=kept,
        n_removed=rows.height - kept.height,
        n_by_rule={rule.name: int((broken == rule.name).sum()) for rule in RISK_RULES},
    )
