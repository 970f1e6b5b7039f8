"""Which version was best over a month: four figures, each laid on [0, 1] across the versions, weighed and added up."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["WEIGHTS", "MonthFigures", "Ranked", "RankingRules", "rank"]

WEIGHTS = {"win_rate": 0.3, "sharpe_ratio": 0.3, "avg_pnl": 0.2, "max_drawdown": 0.2}
"""Of the score: 0.3 win rate + 0.3 Sharpe + 0.2 average PnL + 0.2 (1 − drawdown), each on [0, 1]."""

EVEN = 0.5
"""Where all versions share one value: it tells none from another."""

DECIMALS = 12  # scores that differ only by rounding are equal


class RankingRules(BaseModel):
    """Which versions are ranked.

    >>> RankingRules().min_resolved
    30
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    window_days: int = Field(30, ge=7, le=366, description="days before the selection that versions are compared on")
    min_unread_days: int = Field(
        14, ge=1, le=366, description="of these, the newest days that a version must not have been trained on, count"
    )
    min_resolved: int = Field(30, ge=2, le=100_000, description="resolved signals before a version is ranked, count")
    max_signal_share: float = Field(
        0.5, gt=0, le=1, description="more resolved signals a bar than this is over-trading, and is not ranked"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFigures:
    """One version over the month, after costs.

    n_resolved: signals with a result. signal_share: of the bars, in [0, 1]. win_rate: wins / (wins + losses).
    avg_pnl: bps a signal. sharpe_ratio: a year. max_drawdown: fraction of the highest equity, ≥ 0. None where there was
    nothing to measure.
    """

    n_resolved: int
    signal_share: float
    win_rate: float | None
    avg_pnl: float | None
    sharpe_ratio: float | None
    max_drawdown: float | None

    def measured(self, name: str) -> float | None:
        """A figure that goes into the score; None where it is missing or not finite."""
        value: float | None = getattr(self, name)
        return value if value is not None and math.isfinite(value) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A version in the ranking. place: 1 for the best. score: in [0, 1]. Both None where it is not ranked; then reason
    says why. parts: each figure on [0, 1] across the ranked versions, the drawdown as it is: 1 for the deepest.
    """

    version: str
    figures: MonthFigures
    place: int | None = None
    score: float | None = None
    reason: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)


def rank(figures: Mapping[str, MonthFigures], rules: RankingRules, serving: str | None = None) -> list[Ranked]:
    """The ranked versions, the best first, then those that are not ranked, by name.

    A figure is laid on [0, 1] by the least and the greatest value of the ranked versions; where these are equal each
    gets 0.5, so that one version alone scores 0.5. Among equal scores the version that serves comes first (nothing is
    gained by a switch), then the one with more resolved signals, then the name.

    >>> calm = MonthFigures(
    ...     n_resolved=90, signal_share=0.1, win_rate=0.6, avg_pnl=4.0, sharpe_ratio=1.0, max_drawdown=0.02
    ... )
    >>> wild = MonthFigures(
    ...     n_resolved=40, signal_share=0.2, win_rate=0.5, avg_pnl=9.0, sharpe_ratio=2.0, max_drawdown=0.08
    ... )
    >>> [(one.version, one.score) for one in rank({"calm": calm, "wild": wild}, RankingRules())]
    [('calm', 0.5), ('wild', 0.5)]
    >>> [one.version for one in rank({"calm": calm, "wild": wild}, RankingRules(), serving="wild")]
    ['wild', 'calm']
    """
    refused = {version: reason for version, one in figures.items() if (reason := _obstacle(one, rules))}
    compared = {version: one for version, one in figures.items() if version not in refused}
    parts = {name: _on_unit(name, compared) for name in WEIGHTS}
    scores = {
        version: round(_score({name: parts[name][version] for name in WEIGHTS}), DECIMALS) for version in compared
    }
    best_first = sorted(
        compared, key=lambda version: (-scores[version], version != serving, -compared[version].n_resolved, version)
    )
    ranked = [
        Ranked(
            version=version,
            figures=compared[version],
            place=place,
            score=scores[version],
            parts={name: parts[name][version] for name in WEIGHTS},
        )
        for place, version in enumerate(best_first, 1)
    ]
    return ranked + [Ranked(version=one, figures=figures[one], reason=refused[one]) for one in sorted(refused)]


def _obstacle(one: MonthFigures, rules: RankingRules) -> str:
    if one.n_resolved < rules.min_resolved:
        return f"{one.n_resolved} resolved signals, fewer than {rules.min_resolved}"
    if one.signal_share > rules.max_signal_share:
        return f"{one.signal_share:.2f} signals a bar, more than {rules.max_signal_share:g}: over-trading"
    absent = [name for name in WEIGHTS if one.measured(name) is None]
    return f"nothing to measure of {', '.join(absent)}" if absent else ""


def _on_unit(name: str, compared: Mapping[str, MonthFigures]) -> dict[str, float]:
    values = {version: value for version, one in compared.items() if (value := one.measured(name)) is not None}
    if not values:
        return {}
    low, high = min(values.values()), max(values.values())
    return {version: (value - low) / (high - low) if high > low else EVEN for version, value in values.items()}


def _score(parts: Mapping[str, float]) -> float:
    falling = {**parts, "max_drawdown": 1.0 - parts["max_drawdown"]}
    return math.fsum(WEIGHTS[name] * falling[name] for name in WEIGHTS)
