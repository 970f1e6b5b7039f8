"""Every trigger at its limit, above it and resting: PASS-R27, REV-R42 (pure half), REV-R43."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pawl.errors import NotFoundError
from pawl.triggers.extreme_conditions import is_paused
from pawl.triggers.firing import Effect
from pawl.triggers.history import BarCounts, Feed, History
from pawl.triggers.registry import TRIGGERS, ask, fired, fired_of, readings, trigger_named
from pawl.triggers.trigger_config import TriggerSettings
from trigger_histories import NOW, alternating, features, holds, outcomes, two_tickers

SETTINGS = TriggerSettings()
SECOND = timedelta(seconds=1)


def _volatility(ratio: float) -> History:
    """3 days at a scale that makes the 3-day over the 30-day volatility this ratio: k² = 27 r² / (30 − 3 r²)."""
    scale = math.sqrt(27 * ratio**2 / (30 - 3 * ratio**2))
    return alternating(np.concatenate([np.ones(57), np.full(3, scale)]))


def _correlation(rho: float) -> History:
    return two_tickers(np.concatenate([np.full(76, 0.9), np.full(14, rho)]))


def _expected_distance(rho: float) -> float:
    past = (76 * 0.9 + 14 * rho) / 90  # both tickers deviate by 1 on every day, so that correlations average
    return math.sqrt(2) * abs(rho - past) / math.sqrt(2 + 2 * past**2)


JUST_OVER, JUST_UNDER = -0.113, -0.111  # correlations whose distance to 0.9 lies around 0.5


def _feed(*, n_present: int = 100, n_owed: int = 0, n_refused: int = 0) -> History:
    sound = Feed(ticker="USDJPY", n_expected=100, n_present=100, n_owed=0, n_refused=0)
    one = Feed(ticker="EURUSD", n_expected=100, n_present=n_present, n_owed=n_owed, n_refused=n_refused)
    return History(feeds=(sound, one))


CROSSING = {
    "win_rate_drop": (outcomes(recent_wins=110), outcomes(recent_wins=109)),  # 60 % before; 55 % and 54.5 %
    # 55 % less 50 % is a little more than 0.05 in floats, and still no more than the limit.
    "win_rate_drop, to the limit": (
        outcomes(recent_wins=100, earlier_wins=1100),
        outcomes(recent_wins=99, earlier_wins=1100),
    ),
    "calibration_drift": (
        outcomes(recent_wins=120, recent_confidence=0.6199),
        outcomes(recent_wins=120, recent_confidence=0.6201),
    ),
    # 62 % less 60 % is a little more than 0.02 in floats.
    "calibration_drift, to the limit": (
        outcomes(recent_wins=120, recent_confidence=0.62),
        outcomes(recent_wins=120, recent_confidence=0.6201),
    ),
    "regime_change": (_volatility(1.999), _volatility(2.001)),
    "regime_change, calm": (_volatility(0.501), _volatility(0.499)),
    "hold_share": (holds(950, 1000), holds(951, 1000)),
    "extreme_conditions": (alternating(np.append(np.ones(89), 2.999)), alternating(np.append(np.ones(89), 3.001))),
    "data_anomaly, holes": (_feed(n_present=95), _feed(n_present=94)),
    "data_anomaly, silence": (_feed(n_owed=4), _feed(n_owed=5)),
    "data_anomaly, dirt": (_feed(n_present=99, n_refused=1), _feed(n_present=99, n_refused=2)),
    "extreme_conditions, holes": (
        History(bars=BarCounts(n_expected=100, n_present=80)),
        History(bars=BarCounts(n_expected=100, n_present=79)),
    ),
}


@pytest.mark.parametrize("case", CROSSING)
def test_pass_r27_a_trigger_fires_beyond_its_limit_and_not_at_it(case: str) -> None:
    """PASS-R27: series whose figure lies just inside, and just beyond; the firing carries what was measured."""
    kind = case.split(",")[0]
    inside, beyond = CROSSING[case]
    assert ask(kind, inside, SETTINGS, None, NOW) is None
    firing = ask(kind, beyond, SETTINGS, None, NOW)
    assert firing is not None
    assert (firing.kind, firing.at, firing.effect) == (kind, NOW, TRIGGERS[kind].effect)
    assert firing.reason and any(math.isfinite(value) for value in firing.values.values())
    assert trigger_named(kind).measure(inside, SETTINGS, NOW).reason == ""


def test_pass_r27_the_correlation_structure_fires_beyond_half() -> None:
    """PASS-R27: two tickers whose correlation falls from 0.9; the distance is that of the formula."""
    for rho in (0.5, 0.0, -0.5, -0.9):
        reading = trigger_named("regime_change").measure(_correlation(rho), SETTINGS, NOW)
        assert reading.values["correlation_distance"] == pytest.approx(_expected_distance(rho), abs=1e-9)
        assert reading.is_crossed is (_expected_distance(rho) > 0.5)


@pytest.mark.parametrize("kind", ["win_rate_drop", "calibration_drift", "regime_change"])
def test_pass_r27_a_trigger_rests_after_it_fired(kind: str) -> None:
    """PASS-R27: 14 days of cooldown; at their end it may fire again."""
    _, beyond = CROSSING[kind]
    assert ask(kind, beyond, SETTINGS, NOW - timedelta(days=14) + SECOND, NOW) is None
    assert ask(kind, beyond, SETTINGS, NOW - timedelta(days=14), NOW) is not None
    short = TriggerSettings(cooldown_days=1)
    assert ask(kind, beyond, short, NOW - timedelta(days=1), NOW) is not None
    others = {other: NOW for other in TRIGGERS if other != kind}
    assert [firing.kind for firing in fired(beyond, SETTINGS, others, NOW)] == [kind]


LIMITED = [
    ("regime_change", "volatility_ratio", "max_volatility_ratio", _volatility(2.5), 1),
    ("regime_change", "volatility_ratio", "min_volatility_ratio", _volatility(0.4), -1),
    ("regime_change", "correlation_distance", "correlation_distance", _correlation(-0.5), 1),
    ("hold_share", "hold_share", "hold_share", holds(960, 1000), 1),
    ("extreme_conditions", "volatility_ratio", "pause_volatility", alternating(np.append(np.ones(89), 4.0)), 1),
    ("extreme_conditions", "missing_share", "pause_missing", History(bars=BarCounts(n_expected=7, n_present=5)), 1),
    ("data_anomaly", "missing_share", "anomaly_missing", _feed(n_present=90), 1),
    ("data_anomaly", "owed_bars", "anomaly_owed_bars", _feed(n_owed=6), 1),
    ("data_anomaly", "refused_share", "anomaly_refused", _feed(n_refused=5), 1),
]


@pytest.mark.parametrize(("kind", "figure", "limit", "history", "side"), LIMITED)
def test_just_the_limit_is_inside_it(kind: str, figure: str, limit: str, history: History, side: int) -> None:
    """Of each figure: one that equals its limit to the last bit does not fire, and the next float beyond does."""
    measure = trigger_named(kind).measure
    found = measure(history, SETTINGS, NOW)
    assert found.is_crossed
    value = found.values[figure]
    assert not measure(history, SETTINGS.model_copy(update={limit: value}), NOW).is_crossed
    nearest = math.nextafter(value, -side * math.inf)
    assert measure(history, SETTINGS.model_copy(update={limit: nearest}), NOW).is_crossed


@pytest.mark.parametrize("last", [{}, {"hold_share": NOW}, {"extreme_conditions": NOW}, {"win_rate_drop": NOW}])
def test_looks_at_all_make_the_firings_that_asking_one_by_one_makes(last: dict[str, datetime]) -> None:
    """What the loop does: it looks once, and fires what is crossed and rested; a pause never rests."""
    _, wild = CROSSING["extreme_conditions"]
    much = replace(wild, decisions=holds(100, 100).decisions, outcomes=outcomes(recent_wins=109).outcomes)
    looks = readings(much, SETTINGS, NOW)
    assert list(looks) == list(TRIGGERS)
    found = fired_of(looks, SETTINGS, last, NOW)
    crossed = {"win_rate_drop", "calibration_drift", "hold_share", "extreme_conditions"}
    assert {one.kind for one in found} == crossed - (set(last) - {"extreme_conditions"})
    assert [one.kind for one in found] == [one.kind for one in fired(much, SETTINGS, last, NOW)]
    assert all((one.at, one.effect) == (NOW, TRIGGERS[one.kind].effect) for one in found)
    assert all((one.values, one.reason) == (looks[one.kind].values, looks[one.kind].reason) for one in found)


def test_pass_r27_the_recorded_values_are_those_of_the_series() -> None:
    """PASS-R27: win rates, calibration errors and the ratio, to the decimal."""

    def values(kind: str, history: History) -> dict[str, float]:
        return dict(trigger_named(kind).measure(history, SETTINGS, NOW).values)

    wins = values("win_rate_drop", outcomes(recent_wins=97))
    assert wins == {"win_rate": 0.485, "reference_win_rate": 0.6, "limit": 0.05}
    honest = values("calibration_drift", outcomes(recent_wins=120, recent_confidence=0.75))
    assert honest["ece"] == pytest.approx(0.15) and honest["reference_ece"] == pytest.approx(0.0, abs=1e-9)
    assert values("regime_change", _volatility(1.7))["volatility_ratio"] == pytest.approx(1.7)
    pause = values("extreme_conditions", alternating(np.append(np.ones(89), 2.5)))
    assert pause["volatility_ratio"] == pytest.approx(2.5)


def test_rev_r43_a_share_of_hold_of_996_in_a_thousand_alerts() -> None:
    """REV-R43: 99.6 % does, 95 % does not; an alert, not a training."""
    firing = ask("hold_share", holds(996, 1000), SETTINGS, None, NOW)
    assert firing is not None and firing.effect is Effect.ALERT and firing.values["hold_share"] == 0.996
    assert ask("hold_share", holds(950, 1000), SETTINGS, None, NOW) is None
    assert ask("hold_share", holds(996, 1000), SETTINGS, NOW - timedelta(hours=23), NOW) is None
    assert ask("hold_share", holds(996, 1000), SETTINGS, NOW - timedelta(hours=24), NOW) is not None
    assert ask("hold_share", holds(100, 100), SETTINGS, None, NOW) is not None


def test_rev_r42_extreme_conditions_pause_until_a_day_was_calm() -> None:
    """REV-R42 (pure half): renewed at each look while they last, whatever was said before; lifted a day after."""
    _, wild = CROSSING["extreme_conditions"]
    firing = ask("extreme_conditions", wild, SETTINGS, NOW - SECOND, NOW)
    assert firing is not None and firing.effect is Effect.PAUSE
    assert is_paused(firing.at, SETTINGS, NOW + timedelta(days=1) - SECOND)
    assert not is_paused(firing.at, SETTINGS, NOW + timedelta(days=1)) and not is_paused(None, SETTINGS, NOW)


def test_what_was_not_seen_fires_nothing() -> None:
    """Too few rows, none at all, or a market without bars: a reading that says so, and no firing."""
    thin = {
        "win_rate_drop": outcomes(recent_wins=1, n_recent=99),
        "calibration_drift": outcomes(recent_wins=1, n_recent=99),
        "feature_drift": features(np.full((99, 1), 9.0), np.zeros((500, 1))),
        "hold_share": holds(99, 99),
        "regime_change": alternating(np.append(np.ones(5), 9.0)),
        "extreme_conditions": alternating(np.append(np.ones(19), 9.0)),
        "data_anomaly": History(feeds=(Feed(ticker="EURUSD", n_expected=0, n_present=0, n_owed=0, n_refused=9),)),
    }
    assert set(thin) == set(TRIGGERS)
    for kind, history in thin.items():
        for each in (history, History(), History(bars=BarCounts(n_expected=0, n_present=0))):
            reading = trigger_named(kind).measure(each, SETTINGS, NOW)
            assert not reading.is_crossed and reading.reason, kind
    enough = outcomes(recent_wins=1, n_recent=100, n_earlier=100, earlier_wins=60)
    assert ask("win_rate_drop", enough, SETTINGS, None, NOW) is not None
    few = outcomes(recent_wins=1, n_earlier=99, earlier_wins=99)
    assert ask("win_rate_drop", few, SETTINGS, None, NOW) is None


def test_nothing_after_now_is_seen() -> None:
    """Asked two weeks earlier, a trigger does not know what came since."""
    _, beyond = CROSSING["win_rate_drop"]
    assert ask("win_rate_drop", beyond, SETTINGS, None, NOW - timedelta(days=14)) is None
    _, wild = CROSSING["extreme_conditions"]
    assert ask("extreme_conditions", wild, SETTINGS, None, NOW - timedelta(days=1)) is None


def test_a_weekend_is_no_day_of_the_median() -> None:
    """Days without a return do not count: a quiet Monday after a weekend is as volatile as any."""
    history = alternating(np.ones(90))
    returns = history.returns
    assert returns is not None
    kept = np.array([at.astype(datetime).replace(tzinfo=UTC).weekday() < 5 for at in returns.at])
    weekdays = History(returns=replace(returns, at=returns.at[kept], values=returns.values[kept]))
    reading = trigger_named("extreme_conditions").measure(weekdays, SETTINGS, NOW)  # NOW is a Monday, 00:00
    assert not reading.is_crossed


def test_an_unknown_trigger_names_the_known_ones() -> None:
    with pytest.raises(NotFoundError, match="win_rate_drop, calibration_drift"):
        trigger_named("moon_phase")
