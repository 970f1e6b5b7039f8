"""The calibration error of the last fourteen days against that of the weeks before."""

import math
from datetime import datetime

import numpy as np

from pawl.evaluation.calibration import ece
from pawl.triggers.firing import Reading
from pawl.triggers.history import History, Outcomes, before, rows_in
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["calibration_drift"]

ROUNDING = 1e-12


def calibration_drift(history: History, settings: TriggerSettings, now: datetime) -> Reading:
    """Fires where the ECE of the window is more than the limit above the mean ECE of earlier windows as large.

    As large, because the ECE of few outcomes is larger than that of many, however well they are calibrated.

    >>> from datetime import UTC
    >>> calibration_drift(History(), TriggerSettings(), datetime(2026, 1, 1, tzinfo=UTC)).is_crossed
    False
    """
    outcomes = history.outcomes
    nothing = {"ece": math.nan, "reference_ece": math.nan, "limit": settings.ece_rise}
    if outcomes is None:
        return Reading(values=nothing, is_crossed=False, reason="no outcomes")
    start = before(now, settings.window_days)
    recent = rows_in(outcomes, start, now)
    reference = rows_in(outcomes, before(now, settings.reference_days), start)
    size = recent.stop - recent.start
    n_windows = (reference.stop - reference.start) // size if size else 0
    if size < settings.min_outcomes or not n_windows:
        reason = f"{size} recent outcomes of at least {settings.min_outcomes}, {n_windows} earlier windows as large"
        return Reading(values=nothing, is_crossed=False, reason=reason)
    earlier = [
        _ece(outcomes, slice(reference.stop - (k + 1) * size, reference.stop - k * size)) for k in range(n_windows)
    ]
    found, expected = _ece(outcomes, recent), float(np.mean(earlier))
    values = {"ece": found, "reference_ece": expected, "limit": settings.ece_rise}
    is_crossed = found - expected > settings.ece_rise + ROUNDING
    reason = f"ECE {found:.3f} after {expected:.3f}" if is_crossed else ""
    return Reading(values=values, is_crossed=is_crossed, reason=reason)


def _ece(outcomes: Outcomes, rows: slice) -> float:
    return ece(outcomes.confidence[rows], outcomes.hit[rows])
