"""Feature drift: the stability index against its formula, its noise, and ADWIN."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pawl.triggers.feature_drift import ChangeDetectors, adwin_changes, feature_drift, psi, psi_noise
from pawl.triggers.history import History, instant
from pawl.triggers.registry import ask
from pawl.triggers.trigger_config import TriggerSettings
from trigger_histories import NOW, features

SETTINGS = TriggerSettings()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(5))


def test_the_stability_index_is_its_formula() -> None:
    """By hand: reference even over ten bins; recent has half in the lowest, the rest even over the others."""
    reference = np.repeat(np.arange(10.0), 10)
    recent = np.concatenate([np.zeros(45), np.repeat(np.arange(1.0, 10.0), 5)])
    shares = np.array([0.5] + [0.5 / 9] * 9)
    assert psi(reference, recent) == pytest.approx(float(np.sum((shares - 0.1) * np.log(shares / 0.1))))
    assert psi(reference, np.zeros(50)) > 5 and np.isnan(psi(np.array([np.nan]), recent))


def test_the_index_cuts_the_reference_into_tenths() -> None:
    """All recent values in the lowest tenth: the other nine are empty, each a share of 0.0001."""
    found = psi(np.arange(100.0), np.arange(10.0))
    assert found == pytest.approx(0.9 * np.log(10) + 9 * (1e-4 - 0.1) * np.log(1e-3))


def test_the_noise_of_the_index_is_what_chance_gives(rng: np.random.Generator) -> None:
    """The mean PSI of equal samples is the noise taken off, within 15 %, and 25 % for values with a memory."""
    for memory in (0.0, 0.5):
        found, expected = [], []
        for _ in range(150):
            values = np.empty(900)
            values[0] = 0.0
            steps = rng.standard_normal(900)
            for k in range(1, 900):
                values[k] = memory * values[k - 1] + steps[k]
            found.append(psi(values[:600], values[600:]))
            expected.append(psi_noise(values[:600], values[600:]))
        ratio = float(np.mean(found) / np.mean(expected))
        assert (0.85 if memory == 0.0 else 0.75) < ratio < 1.15, ratio


def test_pass_r27_a_feature_that_moved_fires_and_one_that_did_not_does_not(rng: np.random.Generator) -> None:
    """PASS-R27: a shift of one deviation does, none does not; the firing names the feature, and the trigger rests."""
    reference = rng.standard_normal((1500, 3))
    same, moved = rng.standard_normal((280, 3)), rng.standard_normal((280, 3))
    moved[:, 1] += 1.0
    assert ask("feature_drift", features(same, reference), SETTINGS, None, NOW) is None
    firing = ask("feature_drift", features(moved, reference), SETTINGS, None, NOW)
    assert firing is not None and firing.values["feature"] == 1.0 and firing.values["psi"] > 0.2
    assert ask("feature_drift", features(moved, reference), SETTINGS, NOW - timedelta(days=13), NOW) is None


def test_each_feature_is_compared_with_itself_and_just_the_limit_does_not_fire(rng: np.random.Generator) -> None:
    """Two on scales of their own: a shift of the small one, which the large one hides, is found to the decimal."""
    reference, recent = rng.standard_normal((1500, 2)), rng.standard_normal((280, 2))
    recent[:, 1] += 1.0
    for rows in (reference, recent):
        rows[:, 0] = 1e6 + 1e3 * rows[:, 0]
    history = features(recent, reference)
    net = psi(reference[:, 1], recent[:, 1]) - psi_noise(reference[:, 1], recent[:, 1])
    reading = feature_drift(history, SETTINGS, NOW)
    assert (reading.values["feature"], reading.values["psi"]) == (1.0, net)
    assert not feature_drift(history, SETTINGS.model_copy(update={"psi": net}), NOW).is_crossed
    assert feature_drift(history, SETTINGS.model_copy(update={"psi": np.nextafter(net, 0)}), NOW).is_crossed


def test_a_change_that_adwin_found_counts_for_a_day(rng: np.random.Generator) -> None:
    reference, same = rng.standard_normal((1500, 1)), rng.standard_normal((280, 1))
    found = np.array([instant(NOW - timedelta(hours=12))])
    history = features(same, reference, found)
    assert feature_drift(history, SETTINGS, NOW).is_crossed
    assert not feature_drift(history, SETTINGS, NOW + timedelta(hours=12)).is_crossed
    assert not feature_drift(history, SETTINGS, NOW - timedelta(hours=13)).is_crossed
    assert not feature_drift(History(), SETTINGS, NOW).is_crossed


def test_adwin_finds_a_change_after_it_and_depends_on_no_later_row(rng: np.random.Generator) -> None:
    values = np.concatenate([rng.standard_normal(1000), 2.0 + rng.standard_normal(300)])[:, None]
    at = instant(datetime(2026, 1, 1, tzinfo=UTC)) + np.arange(1300).astype("timedelta64[m]")
    found = adwin_changes(at, values, 1e-5)
    assert len(found) and at[1000] < found[0] <= at[1100]
    cut = adwin_changes(at[:1150], values[:1150], 1e-5)
    assert cut.tolist() == found[found <= at[1149]].tolist()
    holed = np.insert(values, 500, np.nan, axis=0)
    assert len(adwin_changes(np.insert(at, 500, at[500]), holed, 1e-5)) == len(found)
    assert adwin_changes(at[:900], values[:900], 1e-5).size == 0


def test_the_noise_is_its_formula() -> None:
    """Without a memory 9 (1 / n + 1 / m); with one the sum over the powers of the neighbours' correlation."""
    flat, few = np.zeros(50), np.array([1.0, 2.0])
    assert psi_noise(flat, np.full(20, 3.0)) == pytest.approx(9 / 50 + 9 / 20)
    assert psi_noise(few, flat) == pytest.approx(9 / 2 + 9 / 50)
    late, early = np.append(np.zeros(9), 1.0), np.append(1.0, np.zeros(9))
    assert psi_noise(late, early) == pytest.approx(9 / 10 + 9 / 10)
    slow = np.sin(np.arange(60.0) / 3)
    echo = np.corrcoef(slow[:-1], slow[1:])[0, 1]
    expected = sum((1 + echo**k) / (1 - echo**k) for k in range(1, 10)) / 60
    assert psi_noise(slow, flat) == pytest.approx(expected + 9 / 50)
    assert psi_noise(np.append(slow, np.nan), flat) == pytest.approx(expected + 9 / 50)
    three = np.array([1.0, 2.0, 3.0])  # a straight line: held at 0.99
    assert psi_noise(three, flat) == pytest.approx(
        sum((1 + 0.99**k) / (1 - 0.99**k) for k in range(1, 10)) / 3 + 9 / 50
    )


def test_a_slow_feature_is_given_its_noise() -> None:
    """A PSI over the limit that chance alone explains does not fire; the value recorded is the net one."""
    reference = np.sin(np.arange(1500.0) / 40)[:, None]
    recent = np.sin(np.arange(280.0) / 60)[:, None] * 0.9
    raw, noise = psi(reference[:, 0], recent[:, 0]), psi_noise(reference[:, 0], recent[:, 0])
    reading = feature_drift(features(recent, reference), SETTINGS, NOW)
    assert raw > 0.2 > raw - noise and not reading.is_crossed
    assert reading.values["psi"] == pytest.approx(raw - noise) and reading.values["feature"] == 0.0


def test_features_without_values_are_named_by_none(rng: np.random.Generator) -> None:
    reference, recent = rng.standard_normal((100, 2)), rng.standard_normal((100, 2))
    assert feature_drift(features(recent, reference), SETTINGS, NOW).reason == ""  # just enough rows
    recent[:, 0] += 5.0
    assert feature_drift(features(recent, reference), SETTINGS, NOW).values["feature"] == 0.0
    recent[:, 0] = np.nan
    assert feature_drift(features(recent, reference), SETTINGS, NOW).values["feature"] == 1.0
    recent[:, 1] = np.nan
    blind = feature_drift(features(recent, reference), SETTINGS, NOW)
    assert not blind.is_crossed and np.isnan(blind.values["psi"]) and blind.values["feature"] == -1.0
    thin = feature_drift(features(recent[:99], reference), SETTINGS, NOW)
    assert not thin.is_crossed and "99 recent" in thin.reason


def test_changes_are_the_same_however_the_rows_are_cut(rng: np.random.Generator) -> None:
    """What a running loop finds row by row is what a restarted one finds in one go."""
    values = rng.standard_normal((600, 3))
    values[300:, 1] += 2.0
    values[7, 2] = np.nan
    at = np.datetime64("2026-01-01", "us") + np.arange(600).astype("timedelta64[h]")
    whole = adwin_changes(at, values, 1e-5)
    detectors = ChangeDetectors(3, 1e-5)
    parts = [detectors.watch(at[first:last], values[first:last]) for first, last in ((0, 1), (1, 350), (350, 600))]
    assert whole.size and np.concatenate(parts).tolist() == whole.tolist()
