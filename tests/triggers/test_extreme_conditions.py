"""When a market is too wild, or too full of holes, and when that cannot be said."""

import math

import numpy as np
import pytest

from pawl.triggers.extreme_conditions import daily_volatility_ratio, extreme_conditions
from pawl.triggers.history import BarCounts, History, Returns
from pawl.triggers.trigger_config import TriggerSettings
from trigger_histories import NOW, alternating, days_before


def _ratio(history: History) -> float:
    assert history.returns is not None
    return daily_volatility_ratio(history.returns, NOW)


def test_a_median_needs_twenty_days_and_takes_ninety() -> None:
    assert _ratio(alternating(np.append(np.ones(20), 2.0))) == pytest.approx(2.0)
    assert math.isnan(_ratio(alternating(np.append(np.ones(19), 2.0))))
    # 45 days of 1 and 45 of 3 before today: their median is 2; a day more in the past is not looked at.
    past = np.concatenate([np.full(40, 9.0), np.full(45, 1.0), np.full(45, 3.0)])
    assert _ratio(alternating(np.append(past, 4.0))) == pytest.approx(2.0)


def test_a_day_without_a_return_says_nothing() -> None:
    history = alternating(np.ones(60))
    assert history.returns is not None
    kept = history.returns.at <= days_before(np.array([1.0]))[0]
    closed = Returns(at=history.returns.at[kept], values=history.returns.values[kept])
    assert math.isnan(daily_volatility_ratio(closed, NOW))


def test_a_ticker_that_never_moved_has_no_ratio() -> None:
    history = alternating(np.append(np.ones(60), 4.0))
    assert history.returns is not None
    dead = np.column_stack([history.returns.values, np.zeros(history.returns.at.size)])
    assert daily_volatility_ratio(Returns(at=history.returns.at, values=dead), NOW) == pytest.approx(4.0)
    still = Returns(at=history.returns.at, values=dead[:, 1:])
    assert math.isnan(daily_volatility_ratio(still, NOW))


def test_each_ticker_is_measured_by_its_own_days() -> None:
    """Three of a market's size, 4, 2 and 1 times as wild as usual: the middle one tells."""
    calm = np.ones(60)
    columns = [
        alternating(scale * np.append(calm, wild)).returns for scale, wild in ((1e-3, 4.0), (1e-5, 2.0), (1e-1, 1.0))
    ]
    values = np.column_stack([one.values for one in columns if one is not None])
    assert columns[0] is not None
    assert daily_volatility_ratio(Returns(at=columns[0].at, values=values), NOW) == pytest.approx(2.0)


@pytest.mark.parametrize(("hour", "ratio"), [(-24, math.sqrt(123 / 24)), (-1, math.sqrt(123 / 24)), (-25, 1.0)])
def test_a_day_is_its_last_24_hours(hour: int, ratio: float) -> None:
    """One return of ten times the usual counts in every hour of the day, and in none before."""
    history = alternating(np.ones(60))
    assert history.returns is not None
    values = history.returns.values.copy()
    values[hour] *= 10
    assert daily_volatility_ratio(Returns(at=history.returns.at, values=values), NOW) == pytest.approx(ratio)


def test_the_one_bar_of_a_day_can_be_missing() -> None:
    reading = extreme_conditions(History(bars=BarCounts(n_expected=1, n_present=0)), TriggerSettings(), NOW)
    assert reading.is_crossed and reading.values["missing_share"] == 1.0


def test_a_fifth_of_holes_is_allowed_and_more_bars_than_expected_are_no_hole() -> None:
    settings = TriggerSettings(pause_missing=0.25)
    for present, pauses in ((75, False), (74, True), (130, False), (0, True)):
        reading = extreme_conditions(History(bars=BarCounts(n_expected=100, n_present=present)), settings, NOW)
        assert reading.is_crossed is pauses
        assert reading.values["missing_share"] == pytest.approx(max(0.0, 1 - present / 100))
