"""Utility: one number for what a decision brought, with its risk and its breaches weighed in."""

import math
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from pawl.errors import InputError
from pawl.policy.action import Action

__all__ = ["UtilitySettings", "UtilityTerms", "direction_hit", "time_decay_penalty", "utility_score"]

DECIMALS = 4
LARGEST = 1e8
"""`utility_score` is kept as numeric(12,4): four decimals, eight digits before them."""


class UtilitySettings(BaseModel):
    """The weights of the utility and the band in which a flat decision was right."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    w1: float = Field(1.0, ge=0, le=100, description="weight of pnl_bps, utility a bps")
    w2: float = Field(0.7, ge=0, le=100, description="weight of max_drawdown_bps, utility a bps")
    w3: float = Field(2.0, ge=0, le=10_000, description="weight of rule_violations, utility a broken rule")
    w4: float = Field(0.5, ge=0, le=10_000, description="weight of direction_hit, utility a hit")
    w5: float = Field(0.2, ge=0, le=100, description="weight of time_decay_penalty, utility an hour held")
    neutral_band_bps: float = Field(
        25.0, gt=0, le=10_000, description="|move| below which a neutral decision is a hit, bps"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityTerms:
    """What the utility of one finished decision is made of.

    pnl_bps: net, of entry notional. max_drawdown_bps: magnitude ≥ 0, of entry notional. rule_violations: count.
    """

    pnl_bps: float
    max_drawdown_bps: float
    rule_violations: int
    direction_hit: bool
    hold_sec: float

    def __post_init__(self) -> None:
        numbers = {"pnl_bps": self.pnl_bps, "max_drawdown_bps": self.max_drawdown_bps, "hold_sec": self.hold_sec}
        for name, value in numbers.items():
            if not math.isfinite(value):
                raise _bad(f"`{name}` is {value}", "score finished outcomes only")
        # A drawdown with the wrong sign would be rewarded.
        if min(self.max_drawdown_bps, self.hold_sec, self.rule_violations) < 0:
            raise _bad(
                f"max_drawdown_bps {self.max_drawdown_bps}, hold_sec {self.hold_sec}, rule_violations "
                f"{self.rule_violations}: one is negative",
                "hand in magnitudes",
            )


def direction_hit(action: Action, move_bps: float, neutral_band_bps: float) -> bool:
    """Whether the market went the way that was decided; flat is a hit while |move| stays below the band.

    move_bps: signed move of the price from the decision to the end of its horizon. A move of 0 is no hit for a side;
    a NaN is none for anything.

    >>> [direction_hit(action, -30.0, 25.0) for action in (Action.LONG, Action.SHORT, Action.FLAT)]
    [False, True, False]
    """
    return action.sign * move_bps > 0 if action.is_position else abs(move_bps) < neutral_band_bps


def time_decay_penalty(hold_sec: float) -> float:
    """Hours held: `hold_sec / 3600`.

    >>> time_decay_penalty(5400)
    1.5
    """
    return hold_sec / 3600


def utility_score(terms: UtilityTerms, settings: UtilitySettings) -> float:
    """`w1·pnl_bps − w2·max_drawdown_bps − w3·rule_violations + w4·direction_hit − w5·time_decay_penalty`.

    Rounded to four decimals, as both databases keep it. One broken rule costs as much as 2 bps, so the score cannot
    keep rule breakers out; `risk_rules` does that, before anything is scored. InputError where the column would
    overflow.

    >>> won = UtilityTerms(pnl_bps=120, max_drawdown_bps=40, rule_violations=1, direction_hit=True, hold_sec=5400)
    >>> utility_score(won, UtilitySettings())
    90.2
    """
    score = (
        settings.w1 * terms.pnl_bps
        - settings.w2 * terms.max_drawdown_bps
        - settings.w3 * terms.rule_violations
        + settings.w4 * terms.direction_hit
        - settings.w5 * time_decay_penalty(terms.hold_sec)
    )
    rounded = round(score, DECIMALS)
    if not abs(rounded) < LARGEST:
        raise _bad(f"a utility of {score:g} has more than eight digits", "check the prices and times of the outcome")
    return rounded


def _bad(what: str, fix: str) -> InputError:
    return InputError(what, where="utility", fix=fix)
