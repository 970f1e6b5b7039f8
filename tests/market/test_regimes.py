"""The states of the simulated market."""

import numpy as np
import pytest

from pawl.market.regimes import REGIMES, Regime, regime_path


@pytest.mark.parametrize("regime", REGIMES, ids=lambda regime: regime.name)
def test_the_probabilities_of_what_follows_sum_to_one(regime: Regime) -> None:
    assert sum(regime.then.values()) == pytest.approx(1.0)
    assert set(regime.then) <= {other.name for other in REGIMES} - {regime.name}


def test_stays_last_as_long_as_declared(rng: np.random.Generator) -> None:
    path = regime_path(rng.random((200_000, 2)), bars_per_day=1.0)
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    lengths = np.diff(starts, append=len(path))
    for index, regime in enumerate(REGIMES):
        assert lengths[path[starts] == index].mean() == pytest.approx(regime.days, rel=0.15)


def test_shorter_bars_stretch_the_stays(rng: np.random.Generator) -> None:
    hourly = regime_path(rng.random((100_000, 2)), bars_per_day=24.0)
    assert np.count_nonzero(np.diff(hourly)) < 100_000 / (6 * 24)


def test_a_path_is_the_beginning_of_a_longer_one(rng: np.random.Generator) -> None:
    draws = rng.random((500, 2))
    assert (regime_path(draws, 1.0)[:200] == regime_path(draws[:200], 1.0)).all()
