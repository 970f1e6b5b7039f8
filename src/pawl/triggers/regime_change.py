"""An abrupt change in how much, or how together, the market moves."""

import math
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from pawl.triggers.firing import Reading
from pawl.triggers.history import History, Returns, before, instant, rows_in
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["correlation_distance", "regime_change", "volatility_ratio"]

Floats = NDArray[np.float64]
SHORT_DAYS, LONG_DAYS = 3.0, 30.0
RECENT_DAYS, PAST_DAYS = 14.0, 90.0
# Without older rows two windows are nearly one, and their likeness would say "calm" of what nobody has seen.
LEAST_REACH = 0.8


def regime_change(history: History, settings: TriggerSettings, now: datetime) -> Reading:
    """Fires where the ratio of 3-day to 30-day volatility leaves its band, or correlations moved too far."""
    returns = history.returns
    ratio, distance = math.nan, math.nan
    if returns is not None:
        ratio = volatility_ratio(returns, now, settings.min_returns)
        distance = correlation_distance(returns, now, settings.min_returns)
    values = {
        "volatility_ratio": ratio,
        "correlation_distance": distance,
        "min_volatility_ratio": settings.min_volatility_ratio,
        "max_volatility_ratio": settings.max_volatility_ratio,
        "max_correlation_distance": settings.correlation_distance,
    }
    reasons = []
    if ratio < settings.min_volatility_ratio or ratio > settings.max_volatility_ratio:
        reasons.append(f"3-day volatility is {ratio:.2f} of the 30-day one")
    if distance > settings.correlation_distance:
        reasons.append(f"correlations moved by {distance:.2f}")
    is_blind = math.isnan(ratio) and math.isnan(distance)
    return Reading(
        values=values, is_crossed=bool(reasons), reason="too few returns" if is_blind else "; ".join(reasons)
    )


def volatility_ratio(returns: Returns, now: datetime, min_returns: int) -> float:
    """Realised volatility √(mean r²) of 3 days over that of 30, the median ticker; NaN below `min_returns`.

    >>> from datetime import UTC
    >>> now = datetime(2026, 2, 1, tzinfo=UTC)
    >>> hours = np.datetime64("2026-01-01T00", "us") + np.arange(1, 31 * 24 + 1).astype("timedelta64[h]")
    >>> calm = Returns(at=hours, values=np.full((hours.size, 1), 0.001))
    >>> round(volatility_ratio(calm, now, 24), 6)
    1.0
    """
    short, long = (returns.values[rows_in(returns, before(now, days), now)] for days in (SHORT_DAYS, LONG_DAYS))
    if len(short) < min_returns or not _reaches_back(returns, now, LONG_DAYS):
        return math.nan
    ratios = [
        _realised(short[:, k]) / _realised(long[:, k]) for k in range(short.shape[1]) if _realised(long[:, k]) > 0
    ]
    return float(np.nanmedian(ratios)) if ratios and not np.isnan(ratios).all() else math.nan


def correlation_distance(returns: Returns, now: datetime, min_returns: int) -> float:
    """‖C₁₄ − C₉₀‖ / ‖C₉₀‖ (Frobenius) of the correlations of 14 and of 90 days; NaN for fewer than two tickers that
    moved, or too few returns.
    """
    recent, past = (returns.values[rows_in(returns, before(now, days), now)] for days in (RECENT_DAYS, PAST_DAYS))
    recent, past = (rows[~np.isnan(rows).any(axis=1)] for rows in (recent, past))
    if len(recent) < min_returns or not _reaches_back(returns, now, PAST_DAYS):
        return math.nan
    moved = recent.std(axis=0) > 0  # and so in the longer window, which holds the shorter one
    if moved.sum() < 2:
        return math.nan
    before_now = np.corrcoef(past[:, moved], rowvar=False)
    change = np.corrcoef(recent[:, moved], rowvar=False) - before_now
    return float(np.linalg.norm(change) / np.linalg.norm(before_now))


def _reaches_back(returns: Returns, now: datetime, days: float) -> bool:
    """Whether the history begins early enough for a window of so many days."""
    return bool(returns.at.size) and bool(returns.at[0] <= instant(before(now, LEAST_REACH * days)))


def _realised(column: Floats) -> float:
    seen = column[~np.isnan(column)]
    return float(np.sqrt(np.mean(seen**2))) if seen.size else math.nan
