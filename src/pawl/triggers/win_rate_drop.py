"""The win rate of the last fourteen days against that of the weeks before."""

import math
from datetime import datetime

from pawl.triggers.firing import Reading
from pawl.triggers.history import History, before, rows_in
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["win_rate_drop"]

# 0.55 − 0.50 is a little more than 0.05 in floats; a fall of just the limit is none.
ROUNDING = 1e-12


def win_rate_drop(history: History, settings: TriggerSettings, now: datetime) -> Reading:
    """Fires where the win rate of the window lies more than the limit below that of the reference before it.

    >>> from datetime import UTC
    >>> win_rate_drop(History(), TriggerSettings(), datetime(2026, 1, 1, tzinfo=UTC)).reason
    'no outcomes'
    """
    outcomes = history.outcomes
    nothing = {"win_rate": math.nan, "reference_win_rate": math.nan, "limit": settings.win_rate_drop}
    if outcomes is None:
        return Reading(values=nothing, is_crossed=False, reason="no outcomes")
    start = before(now, settings.window_days)
    recent = outcomes.hit[rows_in(outcomes, start, now)]
    reference = outcomes.hit[rows_in(outcomes, before(now, settings.reference_days), start)]
    if min(recent.size, reference.size) < settings.min_outcomes:
        reason = f"{recent.size} recent and {reference.size} earlier outcomes of at least {settings.min_outcomes}"
        return Reading(values=nothing, is_crossed=False, reason=reason)
    now_wins, then_wins = float(recent.mean()), float(reference.mean())
    values = {"win_rate": now_wins, "reference_win_rate": then_wins, "limit": settings.win_rate_drop}
    is_crossed = then_wins - now_wins > settings.win_rate_drop + ROUNDING
    reason = f"win rate {now_wins:.1%} after {then_wins:.1%}" if is_crossed else ""
    return Reading(values=values, is_crossed=is_crossed, reason=reason)
