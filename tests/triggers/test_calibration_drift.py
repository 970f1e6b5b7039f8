"""The calibration error against that of earlier windows as large."""

from dataclasses import replace

import numpy as np
import pytest

from pawl.triggers.calibration_drift import calibration_drift
from pawl.triggers.history import History, Outcomes
from pawl.triggers.trigger_config import TriggerSettings
from trigger_histories import NOW, days_before, outcomes

SETTINGS = TriggerSettings()


def _stretches(*stretches: tuple[float, float, int, float]) -> History:
    """(oldest day, newest day, count, confidence) each; six of ten win, evenly."""
    days = np.concatenate([np.linspace(old, new, n) for old, new, n, _ in stretches])
    confidence = np.concatenate([np.full(n, each) for _, _, n, each in stretches])
    hit = np.tile([1, 1, 1, 0, 1, 0, 1, 0, 1, 0], days.size // 10).astype(float)
    return History(outcomes=Outcomes(at=days_before(days), hit=hit, confidence=confidence))


def test_the_reference_is_the_mean_of_windows_as_large() -> None:
    """Three earlier windows of 200, off by 0.05, 0.10 and 0.30: their mean is 0.15. What is older than 90 days, or too
    little for a fourth window, does not count."""
    history = _stretches(
        (120, 91, 200, 1.0), (89, 81, 100, 1.0), (80, 61, 200, 0.90), (60, 41, 200, 0.70), (40, 15, 200, 0.65),
        (13, 1, 200, 0.76),
    )  # fmt: skip
    reading = calibration_drift(history, SETTINGS, NOW)
    assert reading.values["ece"] == pytest.approx(0.16)
    assert reading.values["reference_ece"] == pytest.approx(0.15)
    assert not reading.is_crossed


def test_a_poor_model_that_stays_as_poor_does_not_fire() -> None:
    steady = _stretches((80, 15, 600, 0.9), (13, 1, 200, 0.91))
    worse = _stretches((80, 15, 600, 0.9), (13, 1, 200, 0.93))
    assert not calibration_drift(steady, SETTINGS, NOW).is_crossed
    assert calibration_drift(worse, SETTINGS, NOW).is_crossed


def test_it_needs_outcomes_and_one_earlier_window() -> None:
    def reason(n_recent: int, n_earlier: int) -> str:
        return calibration_drift(_stretches((80, 15, n_earlier, 0.6), (13, 1, n_recent, 0.6)), SETTINGS, NOW).reason

    assert reason(100, 100) == "" and reason(200, 200) == ""
    assert "90 recent outcomes of at least 100" in reason(90, 1000)
    assert "0 earlier windows" in reason(200, 190)
    history = outcomes(recent_wins=120)
    assert history.outcomes is not None
    empty = replace(history.outcomes, at=history.outcomes.at[:0], hit=np.array([]), confidence=np.array([]))
    assert "0 recent" in calibration_drift(History(outcomes=empty), SETTINGS, NOW).reason
