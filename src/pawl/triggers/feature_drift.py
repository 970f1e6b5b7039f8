"""Features that are no longer distributed as they were: a stability index, and an adaptive window."""

import math
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from pawl.triggers.firing import Reading
from pawl.triggers.history import FeatureRows, History, before, rows_in
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["ChangeDetectors", "adwin_changes", "feature_drift", "psi", "psi_noise"]

Floats = NDArray[np.float64]
Instants = NDArray[np.datetime64]
BINS = 10
LEAST_SHARE = 1e-4
FRESH_DAYS = 1.0


def feature_drift(history: History, settings: TriggerSettings, now: datetime) -> Reading:
    """Fires where the PSI of a feature, less what chance alone gives, is over its limit, or ADWIN found a change in the
    last day. PSI: recent rows against the reference before them.
    """
    rows = history.features
    nothing = {"psi": math.nan, "feature": math.nan, "n_changes": math.nan, "limit": settings.psi}
    if rows is None:
        return Reading(values=nothing, is_crossed=False, reason="no feature rows")
    start = before(now, settings.window_days)
    recent = rows.values[rows_in(rows, start, now)]
    reference = rows.values[rows_in(rows, before(now, settings.reference_days), start)]
    if min(len(recent), len(reference)) < settings.min_outcomes:
        reason = f"{len(recent)} recent and {len(reference)} earlier rows of at least {settings.min_outcomes}"
        return Reading(values=nothing, is_crossed=False, reason=reason)
    found = [_net_psi(reference[:, k], recent[:, k]) for k in range(recent.shape[1])]
    worst = int(np.nanargmax(found)) if not np.isnan(found).all() else -1
    highest = found[worst] if worst >= 0 else math.nan
    n_changes = _n_fresh(rows, now)
    reasons = []
    if highest > settings.psi:
        name = rows.names[worst] if rows.names else f"feature {worst}"
        reasons.append(f"{name} has a PSI of {highest:.2f}")
    if n_changes:
        reasons.append(f"ADWIN found {n_changes} changes in a day")
    values = {"psi": highest, "feature": float(worst), "n_changes": float(n_changes), "limit": settings.psi}
    return Reading(values=values, is_crossed=bool(reasons), reason="; ".join(reasons))


def psi(reference: Floats, recent: Floats, bins: int = BINS) -> float:
    """Population stability index Σ (p − q) ln(p / q) over the reference's quantile bins; 0 is the same, NaN is empty.

    An empty bin counts as a share of 0.0001.

    >>> round(psi(np.arange(100.0), np.arange(100.0)), 6), psi(np.arange(100.0), np.arange(50.0)) > 1
    (0.0, True)
    """
    reference, recent = reference[~np.isnan(reference)], recent[~np.isnan(recent)]
    if not reference.size or not recent.size:
        return math.nan
    edges = np.unique(np.quantile(reference, np.linspace(0.0, 1.0, bins + 1)[1:-1]))
    shares = []
    for values in (reference, recent):
        counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=edges.size + 1)
        shares.append(np.maximum(counts / values.size, LEAST_SHARE))
    before_now, then = shares[1], shares[0]
    return float(np.sum((before_now - then) * np.log(before_now / then)))


def psi_noise(reference: Floats, recent: Floats, bins: int = BINS) -> float:
    """The PSI that chance alone is expected to give: Σ_k (1 + ρᵏ) / (1 − ρᵏ) over k < bins, by sample over its size.

    ρ: how much a value resembles the one before it. Without a memory each sample gives (bins − 1) / n; with one it
    holds less than its count of rows. The k-th Hermite component of a normal series remembers ρᵏ.
    """
    found = 0.0
    for values in (reference, recent):
        seen = values[~np.isnan(values)]
        echoes = _echo(seen) ** np.arange(1, bins)
        found += float(np.sum((1.0 + echoes) / (1.0 - echoes))) / max(seen.size, 1)
    return found


def adwin_changes(rows_at: Instants, values: Floats, delta: float) -> Instants:
    """The instants at which ADWIN (Bifet, Gavaldà, SDM 2007; as in `river`) finds that the mean of a column changed.

    rows_at: (n,) sorted. values: (n, n_features); NaN is skipped. Each depends on the rows up to it alone.
    """
    return ChangeDetectors(values.shape[1], delta).watch(rows_at, values)


class ChangeDetectors:
    """ADWIN on each column, fed as rows come: what it finds is the same, however the rows are cut into pieces."""

    def __init__(self, n_columns: int, delta: float) -> None:
        from river.drift import ADWIN

        self._detectors = [ADWIN(delta=delta) for _ in range(n_columns)]

    def watch(self, rows_at: Instants, values: Floats) -> Instants:
        """The changes that show at these rows, sorted; as `adwin_changes` takes them, each after those before."""
        found = []
        for detector, column in zip(self._detectors, values.T, strict=True):
            for at, value in zip(rows_at, column.tolist(), strict=True):
                if not math.isnan(value):
                    detector.update(value)
                    if detector.drift_detected:
                        found.append(at)
        return np.sort(np.array(found, dtype="datetime64[us]"))


def _net_psi(reference: Floats, recent: Floats) -> float:
    return psi(reference, recent) - psi_noise(reference, recent)


def _echo(values: Floats) -> float:
    """Correlation of neighbours, in [0, 0.99]."""
    if values.size < 3 or values[:-1].std() == 0.0 or values[1:].std() == 0.0:
        return 0.0
    return float(np.clip(np.corrcoef(values[:-1], values[1:])[0, 1], 0.0, 0.99))


def _n_fresh(rows: FeatureRows, now: datetime) -> int:
    changes = FeatureRows(at=rows.changed_at, values=rows.values, changed_at=rows.changed_at)
    fresh = rows_in(changes, before(now, FRESH_DAYS), now)
    return int(fresh.stop) - int(fresh.start)
