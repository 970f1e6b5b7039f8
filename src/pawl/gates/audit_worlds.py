"""Markets in which a gate can be tried: paired gains a decision, of which we know that nothing, or how much, is better.

Every world draws gains of mean 0 and deviation 1 (of one decision), so that an effect is stated in deviations.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pawl.gates.sequence_config import SequenceSettings

__all__ = ["DECISIONS_A_DAY", "DIFFERENCE_SD_BPS", "World", "day_shock", "null_worlds", "own_days"]

Floats = NDArray[np.float64]
Draw = Callable[[int, int, np.random.Generator], Floats]

# The reference: t3 of 150 bps a version, correlated 0.8: their difference deviates by 150 √(2 (1 − 0.8)) bps.
DECISIONS_A_DAY = 20
DIFFERENCE_SD_BPS = 150.0 * (2.0 * (1.0 - 0.8)) ** 0.5
DEGREES = 3
LABEL_BARS = 12
SHARED = 0.20


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """name: as it is printed. draw: (n_paths, n_blocks, decisions a block) gains from (n_paths, n_blocks, rng)."""

    name: str
    draw: Draw


def null_worlds(settings: SequenceSettings) -> tuple[World, ...]:
    """The four in which no version is better: fat tails, clustered volatility, overlapping labels, shared shocks.

    >>> [world.name for world in null_worlds(SequenceSettings())]
    ['fat_tails', 'garch', 'overlapping_labels', 'shared_shock']
    """
    return (
        World(name="fat_tails", draw=_fat_tails),
        World(name="garch", draw=_garch),
        World(name="overlapping_labels", draw=_overlapping(settings)),
        World(name="shared_shock", draw=_shocked(SHARED)),
    )


def day_shock(share: float) -> World:
    """Fat tails with a normal shock a day that holds this share of the variance."""
    return World(name=f"day_shock_{share:g}", draw=_shocked(share))


def own_days(day_gains: Floats) -> World:
    """The world of a workspace: its own daily means of paired gains, days drawn again, their mean taken out.

    day_gains: (n_days,) at least 2 that differ. One value a block; the unit is the deviation of a day.
    """
    centred = (day_gains - day_gains.mean()) / day_gains.std()

    def draw(n_paths: int, n_blocks: int, rng: np.random.Generator) -> Floats:
        return np.asarray(rng.choice(centred, (n_paths, n_blocks, 1)))

    return World(name="own_outcomes", draw=draw)


def _fat_tails(n_paths: int, n_blocks: int, rng: np.random.Generator) -> Floats:
    gains = rng.standard_t(DEGREES, (n_paths, n_blocks, DECISIONS_A_DAY))
    return np.asarray(gains / np.sqrt(DEGREES / (DEGREES - 2)))


def _shocked(share: float) -> Draw:
    def draw(n_paths: int, n_blocks: int, rng: np.random.Generator) -> Floats:
        shock = rng.standard_normal((n_paths, n_blocks, 1))
        return np.asarray(np.sqrt(1 - share) * _fat_tails(n_paths, n_blocks, rng) + np.sqrt(share) * shock)

    return draw


def _garch(n_paths: int, n_blocks: int, rng: np.random.Generator) -> Floats:
    """GARCH(1, 1) by decision, α 0.10, β 0.88: a shock to the variance halves in 34 decisions."""
    alpha, beta = 0.10, 0.88
    normal = rng.standard_normal((n_blocks * DECISIONS_A_DAY, n_paths))
    variance = np.ones(n_paths)
    gains = np.empty_like(normal)
    for step, draw in enumerate(normal):
        gains[step] = np.sqrt(variance) * draw
        variance = (1.0 - alpha - beta) + alpha * gains[step] ** 2 + beta * variance
    return np.ascontiguousarray(gains.T).reshape(n_paths, n_blocks, DECISIONS_A_DAY)


def _overlapping(settings: SequenceSettings) -> Draw:
    """A decision a bar, each paid over the next 12 bars; a block is as many bars as the settings ask for, no more."""
    n_gap = settings.gap_horizons * LABEL_BARS
    n_bars = n_gap + settings.block_horizons * LABEL_BARS

    def draw(n_paths: int, n_blocks: int, rng: np.random.Generator) -> Floats:
        moves = rng.standard_normal((n_paths, n_blocks * n_bars + LABEL_BARS))
        reached = np.concatenate([np.zeros((n_paths, 1)), moves.cumsum(axis=1)], axis=1)
        gains = (reached[:, LABEL_BARS:] - reached[:, :-LABEL_BARS])[:, : n_blocks * n_bars] / np.sqrt(LABEL_BARS)
        return np.asarray(gains.reshape(n_paths, n_blocks, n_bars)[:, :, n_gap:])

    return draw
