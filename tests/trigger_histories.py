"""Histories whose figures are known to the decimal: for tests of triggers."""

from datetime import UTC, datetime

import numpy as np

from pawl.triggers.history import Decisions, FeatureRows, History, Outcomes, Returns, instant

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MINUTES_A_DAY = 1440


def days_before(days: np.ndarray) -> np.ndarray:
    """Instants so many days before NOW, as numpy keeps them."""
    return instant(NOW) - (days * MINUTES_A_DAY * 60_000_000).astype("timedelta64[us]")


def outcomes(*, recent_wins: int, n_recent: int = 200, earlier_wins: int = 1200, n_earlier: int = 2000,
             confidence: float = 0.6, recent_confidence: float | None = None) -> History:  # fmt: skip
    """So many wins, spread evenly, in the last 14 days and in the 76 before."""

    def spread(n_wins: int, n: int) -> np.ndarray:
        return (np.arange(1, n + 1) * n_wins // n - np.arange(n) * n_wins // n).astype(float)

    days = np.concatenate([np.linspace(89.9, 14.1, n_earlier), np.linspace(13.9, 0.1, n_recent)])
    own = confidence if recent_confidence is None else recent_confidence
    return History(
        outcomes=Outcomes(
            at=days_before(days),
            hit=np.concatenate([spread(earlier_wins, n_earlier), spread(recent_wins, n_recent)]),
            confidence=np.concatenate([np.full(n_earlier, confidence), np.full(n_recent, own)]),
        )
    )


def alternating(scale_by_day: np.ndarray, *, a_day: int = 24) -> History:
    """Returns of ± a scale, one scale a day, the last day last: their volatility is the scale exactly."""
    scale = np.repeat(scale_by_day, a_day)
    days = np.linspace(len(scale_by_day), 0, scale.size, endpoint=False) - 1 / a_day
    signs = np.where(np.arange(scale.size) % 2, 1.0, -1.0)
    return History(returns=Returns(at=days_before(days), values=(scale * signs)[:, None]))


def two_tickers(correlation_by_day: np.ndarray, *, a_day: int = 24) -> History:
    """Returns of two tickers with this correlation on each day, exactly."""
    n = len(correlation_by_day) * a_day
    days = np.linspace(len(correlation_by_day), 0, n, endpoint=False) - 1 / a_day
    first = np.where(np.arange(n) % 2, 1.0, -1.0)
    other = np.where(np.arange(n) // 2 % 2, 1.0, -1.0)  # uncorrelated with the first over every four hours
    rho = np.repeat(correlation_by_day, a_day)
    values = np.stack([first, rho * first + np.sqrt(1 - rho**2) * other], axis=1)
    return History(returns=Returns(at=days_before(days), values=values))


def holds(n_hold: int, n: int) -> History:
    """So many holds among n decisions of the last week."""
    days = np.linspace(6.9, 0.1, n)
    return History(decisions=Decisions(at=days_before(days), is_hold=(np.arange(n) < n_hold).astype(float)))


def features(recent: np.ndarray, reference: np.ndarray, changed_at: np.ndarray | None = None) -> History:
    """Feature rows of the last 14 days and of the 76 before."""
    days = np.concatenate([np.linspace(89.9, 14.1, len(reference)), np.linspace(13.9, 0.1, len(recent))])
    none = np.array([], dtype="datetime64[us]")
    return History(
        features=FeatureRows(
            at=days_before(days),
            values=np.concatenate([reference, recent]),
            changed_at=none if changed_at is None else changed_at,
        )
    )
