"""A market and a model in which one thing changes on one day, in a known way and size, or nothing does.

>>> list(CHANGES) == list(MEANT_FOR)
True
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from pawl.triggers.feature_drift import adwin_changes
from pawl.triggers.history import Decisions, FeatureRows, History, Outcomes, Returns, instant

__all__ = ["CHANGES", "DECISIONS_A_DAY", "MEANT_FOR", "NOTHING", "SIZES", "START", "Change", "world"]

Floats = NDArray[np.float64]

START = datetime(2026, 1, 1, tzinfo=UTC)
DECISIONS_A_DAY = 20
HOURS_A_DAY = 24
N_TICKERS = 4
N_FEATURES = 8
SIZES = ("small", "medium", "large")

CHANGES: Mapping[str, tuple[float, float, float]] = {
    "win_rate": (0.05, 0.10, 0.20),  # points that the chance to win falls, confidence unchanged
    "calibration": (0.05, 0.10, 0.20),  # points that the confidence rises, the chance to win unchanged
    "volatility": (1.5, 2.5, 4.0),  # factor of every return
    "correlation": (0.20, 0.40, 0.60),  # fall of the correlation between tickers, from 0.60
    "feature_mean": (0.25, 0.5, 1.0),  # deviations that two of eight features move by
    "feature_spread": (1.25, 1.6, 2.5),  # factor of the deviation of two of eight features
}
"""Six kinds of change, each in three sizes."""

MEANT_FOR: Mapping[str, tuple[str, ...]] = {
    "win_rate": (
        "win_rate_drop",
        "calibration_drift",
    ),  # a model that wins less often than it says is also overconfident
    "calibration": ("calibration_drift",),
    "volatility": ("regime_change",),
    "correlation": ("regime_change",),
    "feature_mean": ("feature_drift",),
    "feature_spread": ("feature_drift",),
}
"""The triggers whose firing counts as having found a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """kind: of CHANGES, or `none`. amount: as there. day: from which on."""

    kind: str
    amount: float
    day: int


NOTHING = Change(kind="none", amount=0.0, day=0)


def world(change: Change, n_days: int, adwin_delta: float, rng: np.random.Generator) -> History:
    """The history of n days in which this changes: 20 decisions a day, hourly returns of four tickers, eight features.

    Unchanged: confidence between 0.5 and 0.7 and honest; volatility that clusters (halves in two days) under t5 shocks;
    correlation 0.60; features that remember half of the decision before.
    """
    day_of = np.repeat(np.arange(n_days), DECISIONS_A_DAY)
    decided = instant(START) + (np.arange(day_of.size) * (86_400_000_000 // DECISIONS_A_DAY)).astype("timedelta64[us]")
    is_changed = day_of >= change.day
    values = _features(change, is_changed, rng)
    return History(
        outcomes=_outcomes(change, decided, is_changed, rng),
        decisions=Decisions(at=decided, is_hold=(rng.random(day_of.size) < 0.6).astype(np.float64)),
        returns=_returns(change, n_days, rng),
        features=FeatureRows(at=decided, values=values, changed_at=adwin_changes(decided, values, adwin_delta)),
    )


def _outcomes(
    change: Change, decided: NDArray[np.datetime64], is_changed: NDArray[np.bool_], rng: np.random.Generator
) -> Outcomes:
    chance = rng.uniform(0.5, 0.7, decided.size)
    confidence = chance.copy()
    if change.kind == "win_rate":
        chance = chance - change.amount * is_changed
    if change.kind == "calibration":
        confidence = confidence + change.amount * is_changed
    hit = (rng.random(decided.size) < chance).astype(np.float64)
    return Outcomes(at=decided, hit=hit, confidence=confidence)


def _returns(change: Change, n_days: int, rng: np.random.Generator) -> Returns:
    n = n_days * HOURS_A_DAY
    closes = instant(START) + np.arange(n).astype("timedelta64[h]").astype("timedelta64[us]")
    is_changed = np.arange(n) // HOURS_A_DAY >= change.day
    correlation = np.where(is_changed & (change.kind == "correlation"), 0.60 - change.amount, 0.60)
    shocks = rng.standard_t(5, (n, N_TICKERS + 1)) / np.sqrt(5 / 3)
    together = np.sqrt(correlation)[:, None] * shocks[:, :1] + np.sqrt(1 - correlation)[:, None] * shocks[:, 1:]
    scale = np.exp(_remembering(rng.standard_normal((n, 1)), 0.5 ** (1 / 48)) * 0.25)
    factor = np.where(is_changed & (change.kind == "volatility"), change.amount, 1.0)
    return Returns(at=closes, values=0.003 * together * scale * factor[:, None])


def _features(change: Change, is_changed: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    values = _remembering(rng.standard_normal((is_changed.size, N_FEATURES)), 0.5)
    if change.kind == "feature_mean":
        values[:, :2] += change.amount * is_changed[:, None]
    if change.kind == "feature_spread":
        values[:, :2] *= np.where(is_changed, change.amount, 1.0)[:, None]
    return values


def _remembering(noise: Floats, share: float) -> Floats:
    """AR(1) columns of deviation 1."""
    found = np.empty_like(noise)
    found[0] = noise[0]
    for step in range(1, len(noise)):
        found[step] = share * found[step - 1] + np.sqrt(1 - share**2) * noise[step]
    return found
