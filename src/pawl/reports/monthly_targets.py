"""The targets of the design, each beside what a month reached. They are aims, and no gates."""

from dataclasses import dataclass

from pawl.evaluation.signal_month import win_rate
from pawl.reports.monthly_data import Target
from pawl.reports.report_data import Unit
from pawl.reports.wording import figure, plural, signed

__all__ = ["Reached", "targets"]

MOST_HOLD = 0.95
MORE_RIGHT = 0.05
RIGHT = 0.60
FRESH_DAYS = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What a month came to. n_wins, n_losses: of the acting version. first_win_rate: of the first 30 days on record,
    None while they have not passed. data_age_days: from the newest data that the serving version was trained on to the
    end of the month. n_by_hand: moves of the alias that a person made.
    """

    n_signals: int
    n_hold: int
    n_wins: int
    n_losses: int
    pnl_bps: float | None
    first_win_rate: float | None
    data_age_days: float | None
    n_by_hand: int
    n_ranked: int
    n_tests_decided: int


def targets(found: Reached) -> tuple[Target, ...]:
    """Every target that can be measured on a month, the nearest first."""
    rate = win_rate(found.n_wins, found.n_losses)
    hold = found.n_hold / found.n_signals if found.n_signals else None
    gain = None if rate is None or found.first_win_rate is None else rate - found.first_win_rate
    age = found.data_age_days
    return (
        Target(
            horizon="1 month", what="Learns from the latest data", wanted=f"data of the last {FRESH_DAYS} days",
            reached="–" if age is None else f"{plural(round(age), 'day')} old",
            is_met=None if age is None else age <= FRESH_DAYS,
        ),
        Target(
            horizon="1 month", what="Win rate above that of the first 30 days", wanted="+5 points",
            reached=signed(None if gain is None else 100 * gain, Unit.RATIO), is_met=_at_least(gain, MORE_RIGHT),
        ),
        Target(
            horizon="1 month", what="Signals are not all hold", wanted=f"hold below {figure(MOST_HOLD, Unit.PERCENT)}",
            reached=figure(hold, Unit.PERCENT), is_met=None if hold is None else hold < MOST_HOLD,
        ),
        Target(
            horizon="1 month", what="Less manual work", wanted="no move of the alias by hand",
            reached=plural(found.n_by_hand, "move"), is_met=found.n_by_hand == 0,
        ),
        Target(
            horizon="3 months", what="Several versions are compared", wanted="2 or more ranked",
            reached=str(found.n_ranked), is_met=found.n_ranked >= 2,
        ),
        Target(
            horizon="3 months", what="The best is found by A/B tests", wanted="1 or more decided",
            reached=str(found.n_tests_decided), is_met=found.n_tests_decided >= 1,
        ),
        Target(
            horizon="3 months", what="Win rate", wanted=f"{figure(RIGHT, Unit.PERCENT)} or more",
            reached=figure(rate, Unit.PERCENT), is_met=_at_least(rate, RIGHT),
        ),
        Target(
            horizon="6 months", what="Profit after costs", wanted="above zero",
            reached=signed(found.pnl_bps, Unit.BPS), is_met=None if found.pnl_bps is None else found.pnl_bps > 0,
        ),
    )  # fmt: skip


def _at_least(value: float | None, wanted: float) -> bool | None:
    # A share such as 0.55 − 0.5 lies a rounding below 0.05.
    return None if value is None else value >= wanted - 1e-12
