"""The figures of a regime, and when there are none."""

import math
from datetime import timedelta

import numpy as np
import pytest

from pawl.triggers.history import History, Returns
from pawl.triggers.regime_change import correlation_distance, regime_change, volatility_ratio
from pawl.triggers.trigger_config import TriggerSettings
from trigger_histories import NOW, alternating, days_before, two_tickers


def _returns(history: History) -> Returns:
    assert history.returns is not None
    return history.returns


def _with(returns: Returns, column: np.ndarray) -> Returns:
    return Returns(at=returns.at, values=np.column_stack([returns.values, column]))


def _daily(n_days: int, value: float) -> Returns:
    days = np.arange(n_days - 1, -1, -1.0)
    return Returns(at=days_before(days), values=np.full((n_days, 1), value))


def test_a_ratio_needs_its_returns_and_its_past() -> None:
    """24 in the short window, and a history that begins four fifths of 30 days ago."""
    assert volatility_ratio(_daily(40, 0.01), NOW, 3) == pytest.approx(1.0)
    assert math.isnan(volatility_ratio(_daily(40, 0.01), NOW, 4))
    assert volatility_ratio(_daily(25, 0.01), NOW, 3) == pytest.approx(1.0)  # the oldest is 24 days old
    assert math.isnan(volatility_ratio(_daily(24, 0.01), NOW, 3))
    assert math.isnan(volatility_ratio(Returns(at=days_before(np.array([])), values=np.empty((0, 1))), NOW, 3))


def test_the_ratio_is_the_median_tickers_and_gaps_are_no_bars() -> None:
    calm = _returns(alternating(np.ones(60)))
    wild = np.where(calm.at > days_before(np.array([3.0]))[0], 5.0, 1.0)
    assert volatility_ratio(_with(_with(calm, wild), wild), NOW, 24) > 2.0
    assert volatility_ratio(_with(_with(calm, wild), calm.values[:, 0]), NOW, 24) == pytest.approx(1.0)
    holes = calm.values[:, 0].copy()
    holes[::2] = np.nan
    assert volatility_ratio(Returns(at=calm.at, values=holes[:, None]), NOW, 24) == pytest.approx(1.0)
    # A ticker that never moved, or has no bar at all, has no ratio and does not spoil that of the others.
    for dead in (np.zeros(calm.at.size), np.full(calm.at.size, np.nan)):
        assert volatility_ratio(_with(calm, dead), NOW, 24) == pytest.approx(1.0)
        assert math.isnan(volatility_ratio(Returns(at=calm.at, values=dead[:, None]), NOW, 24))
    gone = np.where(calm.at > days_before(np.array([3.0]))[0], np.nan, 1.0)
    assert math.isnan(volatility_ratio(Returns(at=calm.at, values=gone[:, None]), NOW, 24))


@pytest.mark.parametrize(("day", "in_short", "in_long"), [(1, 1, 1), (3, 1, 1), (4, 0, 1), (30, 0, 1), (31, 0, 0)])
def test_the_windows_of_a_ratio_are_3_and_30_days(day: int, in_short: int, in_long: int) -> None:
    """One day three times as wild as all others, so many days ago."""
    scale = np.ones(60)
    scale[-day] = 3.0
    expected = math.sqrt(((3 + 8 * in_short) / 3) / ((30 + 8 * in_long) / 30))
    assert volatility_ratio(_returns(alternating(scale)), NOW, 24) == pytest.approx(expected)


def test_the_windows_of_a_distance_are_14_and_90_days() -> None:
    """What is older than 90 days does not count, and the 15th day is none of the newest."""
    newest = np.append(np.full(76, 0.9), np.full(14, 0.2))
    known = correlation_distance(_returns(two_tickers(newest)), NOW, 24)
    past = (76 * 0.9 + 14 * 0.2) / 90  # both deviate by 1 on every day, so that correlations average
    assert known == pytest.approx(math.sqrt(2) * (past - 0.2) / math.sqrt(2 + 2 * past**2))
    assert correlation_distance(_returns(two_tickers(np.append(np.full(30, -0.9), newest))), NOW, 24) == pytest.approx(
        known
    )


def test_a_distance_needs_two_tickers_that_moved_and_a_past() -> None:
    pair = _returns(two_tickers(np.concatenate([np.full(76, 0.9), np.full(14, 0.0)])))
    full = correlation_distance(pair, NOW, 24)
    assert full > 0.5
    # A third that stood still, now or before, is left out.
    still = np.zeros(pair.at.size)
    awoke = np.where(pair.at > days_before(np.array([14.0]))[0], pair.values[:, 0], 0.0)
    asleep = np.where(pair.at > days_before(np.array([14.0]))[0], 0.0, pair.values[:, 0])
    for third in (still, asleep):
        assert correlation_distance(_with(pair, third), NOW, 24) == pytest.approx(full)
    assert math.isfinite(correlation_distance(_with(pair, awoke), NOW, 24))
    for one in (pair.values[:, :1], np.column_stack([pair.values[:, 0], still])):
        assert math.isnan(correlation_distance(Returns(at=pair.at, values=one), NOW, 24))
    assert math.isnan(correlation_distance(pair, NOW, 14 * 24 + 1))
    assert correlation_distance(pair, NOW, 14 * 24) == pytest.approx(full)
    short = pair.at > days_before(np.array([71.0]))[0]
    assert math.isnan(correlation_distance(Returns(at=pair.at[short], values=pair.values[short]), NOW, 24))
    holed = pair.values.copy()
    holed[5, 0] = np.nan
    assert correlation_distance(Returns(at=pair.at, values=holed), NOW, 24) == pytest.approx(full, abs=0.01)


def test_one_figure_is_enough_to_judge_by() -> None:
    """A single ticker has no correlations; its volatility is still watched."""
    reading = regime_change(alternating(np.ones(60)), TriggerSettings(), NOW)
    assert math.isnan(reading.values["correlation_distance"]) and reading.reason == ""
    pair = _returns(two_tickers(np.concatenate([np.full(76, 0.9), np.full(14, 0.9)])))
    kept = pair.at <= days_before(np.array([4.0]))[0]
    closed = History(returns=Returns(at=pair.at[kept], values=pair.values[kept]))
    reading = regime_change(closed, TriggerSettings(), NOW)
    assert math.isnan(reading.values["volatility_ratio"]) and math.isfinite(reading.values["correlation_distance"])
    assert reading.reason == "" and not reading.is_crossed
    blind = regime_change(alternating(np.ones(60)), TriggerSettings(), NOW - timedelta(days=90))
    assert blind.reason == "too few returns"
