"""Many lives at once say what one state, block by block, says; and the peers are what they are called."""

import numpy as np
import pytest
from scipy import stats

from pawl.gates.audit_lives import (
    NEVER,
    Lives,
    live,
    promoted_by_gate,
    promoted_by_naive_mean,
    promoted_by_peeked_z,
)
from pawl.gates.audit_worlds import World, day_shock, null_worlds, own_days
from pawl.gates.paired_sequence import EMPTY_SEQUENCE
from pawl.gates.sequence_config import SequenceSettings

SETTINGS = SequenceSettings()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(8))


def _slow(means: np.ndarray) -> int:
    state = EMPTY_SEQUENCE
    for block, mean in enumerate(means.tolist(), start=1):
        state = state.with_block(mean)
        if state.look(SETTINGS).is_better:
            return block
    return int(NEVER)


@pytest.mark.parametrize("effect", [0.0, 0.1, 0.25])
def test_lives_at_once_are_promoted_where_the_state_promotes(effect: float, rng: np.random.Generator) -> None:
    lives = live(day_shock(0.05), 60, 80, rng).better_by(effect)
    assert promoted_by_gate(lives, SETTINGS).tolist() == [_slow(means) for means in lives.means]


def test_the_peers_are_a_mean_and_a_z_test(rng: np.random.Generator) -> None:
    """Against scipy and a loop over the outcomes themselves."""
    gains = rng.standard_t(3, (40, 30, 20)) + 0.05
    lives = live(World(name="given", draw=lambda *_: gains), 40, 30, rng)
    naive, peeked = promoted_by_naive_mean(lives, SETTINGS), promoted_by_peeked_z(lives, SETTINGS)
    for path, outcomes in enumerate(gains):
        assert (naive[path] == 10) == (outcomes[:10].mean() > 0)
        seen = [outcomes[:n].ravel() for n in range(1, 31)]
        z = [each.mean() / (each.std() / np.sqrt(each.size)) for each in seen]
        crossed = [n for n, value in enumerate(z, start=1) if value > stats.norm.ppf(0.95)]
        assert peeked[path] == (crossed[0] if crossed else NEVER)


def test_an_effect_moves_every_outcome(rng: np.random.Generator) -> None:
    gains = rng.standard_normal((3, 4, 5))
    moved = live(World(name="given", draw=lambda *_: gains), 3, 4, rng).better_by(0.3)
    assert moved.means == pytest.approx((gains + 0.3).mean(axis=2))
    assert moved.squares == pytest.approx(((gains + 0.3) ** 2).mean(axis=2))
    assert isinstance(moved, Lives) and moved.per_block == 5


def test_every_world_has_no_mean_and_unit_deviation(rng: np.random.Generator) -> None:
    """But for what fat tails leave to chance; the shares and overlaps are those that are stated."""
    for world in (*null_worlds(SETTINGS), own_days(rng.standard_normal(50) + 3.0)):
        gains = world.draw(150, 60, rng)
        assert abs(gains.mean()) < 0.05 and 0.8 < gains.std() < 1.25, world.name
    shared = day_shock(0.2).draw(300, 60, rng)
    between = shared.mean(axis=2).var() - shared.var(axis=2, ddof=1).mean() / shared.shape[2]
    assert between == pytest.approx(0.2, abs=0.03)
    overlapping = null_worlds(SETTINGS)[2].draw(50, 20, rng)
    assert overlapping.shape == (50, 20, 48)
    echo = np.corrcoef(overlapping[:, :, 0].ravel(), overlapping[:, :, 6].ravel())[0, 1]
    assert echo == pytest.approx(0.5, abs=0.1)
    gapped = null_worlds(SequenceSettings(block_horizons=2, gap_horizons=1))[2].draw(50, 20, rng)
    assert gapped.shape == (50, 20, 24)
    across = np.corrcoef(gapped[:, :-1, -1].ravel(), gapped[:, 1:, 0].ravel())[0, 1]
    assert abs(across) < 0.12
    steady = null_worlds(SETTINGS)[1].draw(100, 50, rng).reshape(100, -1)
    clustered = np.corrcoef(steady[:, :-1].ravel() ** 2, steady[:, 1:].ravel() ** 2)[0, 1]
    assert clustered > 0.05
