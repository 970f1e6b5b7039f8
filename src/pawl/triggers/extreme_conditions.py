"""A market too wild, or too full of holes, to learn from: trainings and deployments pause, the rest goes on."""

import math
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from pawl.triggers.firing import Reading
from pawl.triggers.history import History, Returns, before, rows_in
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["daily_volatility_ratio", "extreme_conditions", "is_paused"]

Floats = NDArray[np.float64]
PAST_DAYS = 90
MIN_PAST_DAYS = 20


def extreme_conditions(history: History, settings: TriggerSettings, now: datetime) -> Reading:
    """Fires where a day's volatility is over 3 × its 90-day median, or more than a fifth of its bars is missing."""
    ratio = daily_volatility_ratio(history.returns, now) if history.returns is not None else math.nan
    missing = math.nan
    if history.bars is not None and history.bars.n_expected > 0:
        missing = max(0.0, 1.0 - history.bars.n_present / history.bars.n_expected)
    values = {
        "volatility_ratio": ratio,
        "missing_share": missing,
        "max_volatility_ratio": settings.pause_volatility,
        "max_missing_share": settings.pause_missing,
    }
    reasons = []
    if ratio > settings.pause_volatility:
        reasons.append(f"the day's volatility is {ratio:.1f} × its 90-day median")
    if missing > settings.pause_missing:
        reasons.append(f"{missing:.0%} of the day's bars are missing")
    is_blind = math.isnan(ratio) and math.isnan(missing)
    return Reading(
        values=values, is_crossed=bool(reasons), reason="nothing to judge by" if is_blind else "; ".join(reasons)
    )


def daily_volatility_ratio(returns: Returns, now: datetime) -> float:
    """Realised volatility √(Σ r²) of the last 24 hours over the median of the 90 days before, the median ticker.

    NaN with fewer than 20 earlier days of returns; days without a return (a weekend) are no days.
    """
    days = [_realised(returns, before(now, k)) for k in range(PAST_DAYS + 1)]
    today, past = days[0], np.array([day for day in days[1:] if day is not None])
    if today is None or len(past) < MIN_PAST_DAYS:
        return math.nan
    usual = np.median(past, axis=0)
    ratios = today[usual > 0] / usual[usual > 0]
    return float(np.median(ratios)) if ratios.size else math.nan


def is_paused(last_fired: datetime | None, settings: TriggerSettings, now: datetime) -> bool:
    """Whether trainings and deployments still wait: until a day has passed in which it did not fire again.

    While conditions stay extreme the pause is renewed at every look, whatever its cooldown.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> is_paused(noon, TriggerSettings(), noon + timedelta(hours=23)), is_paused(None, TriggerSettings(), noon)
    (True, False)
    """
    return last_fired is not None and now - last_fired < timedelta(days=settings.alert_cooldown_days)


def _realised(returns: Returns, end: datetime) -> Floats | None:
    day = returns.values[rows_in(returns, before(end, 1.0), end)]
    return np.sqrt(np.nansum(day**2, axis=0)) if len(day) else None
