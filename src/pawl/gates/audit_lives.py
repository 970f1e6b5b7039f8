"""Many lives of a challenger at once, and the block at which each of three tests promotes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pawl.gates.audit_worlds import World
from pawl.gates.sequence_config import SequenceSettings
from pawl.gates.student_bound import critical_t

__all__ = ["NEVER", "Lives", "live", "promoted_by_gate", "promoted_by_naive_mean", "promoted_by_peeked_z"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NEVER = np.iinfo(np.int64).max
"""The block at which a challenger that is never promoted is promoted."""

CELLS_AT_ONCE = 3_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lives:
    """What the tests need of every path. means, squares: (n_paths, n_blocks), mean gain of a block's decisions and mean
    of their squares, in deviations. per_block: decisions in a block.
    """

    means: Floats
    squares: Floats
    per_block: int

    def better_by(self, effect: float) -> "Lives":
        """The same lives with every decision better by so many deviations."""
        shifted = self.squares + 2.0 * effect * self.means + effect**2
        return Lives(means=self.means + effect, squares=shifted, per_block=self.per_block)


def live(world: World, n_paths: int, n_blocks: int, rng: np.random.Generator) -> Lives:
    """Draw lives in a world, a few paths at a time: outcomes are kept as means and squares only."""
    parts = list(_drawn(world, n_paths, n_blocks, rng))
    means = np.concatenate([part.means for part in parts])
    squares = np.concatenate([part.squares for part in parts])
    return Lives(means=means, squares=squares, per_block=parts[0].per_block)


def _drawn(world: World, n_paths: int, n_blocks: int, rng: np.random.Generator) -> Iterator[Lives]:
    chunk = max(1, CELLS_AT_ONCE // (n_blocks * 50))
    for first in range(0, n_paths, chunk):
        gains = world.draw(min(chunk, n_paths - first), n_blocks, rng)
        yield Lives(means=gains.mean(axis=2), squares=(gains**2).mean(axis=2), per_block=gains.shape[2])


def promoted_by_gate(lives: Lives, settings: SequenceSettings) -> Ints:
    """First block, (n_paths,) from 1, at which the paired sequence promotes; NEVER where it does not.

    The same as a `PairedSequence` a path, looked at after every block.
    """
    n = np.arange(1, lives.means.shape[1] + 1)
    mean = lives.means.cumsum(axis=1) / n
    squares = np.maximum((lives.means**2).cumsum(axis=1) - n * mean**2, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):  # one block has no deviation, and is not looked at
        low = mean - critical_t(n, settings) * np.sqrt(squares / (n - 1) / n)
    return _first(low > 0.0)


def promoted_by_naive_mean(lives: Lives, settings: SequenceSettings) -> Ints:
    """What a comparison of two means promotes: one look, after `min_blocks`, at which is higher."""
    at = settings.min_blocks
    return np.where(lives.means[:, :at].mean(axis=1) > 0.0, at, NEVER)


def promoted_by_peeked_z(lives: Lives, settings: SequenceSettings) -> Ints:
    """What a one-sided z-test over single outcomes promotes when it is looked at after every block from the first."""
    n = lives.per_block * np.arange(1, lives.means.shape[1] + 1)
    mean = lives.means.cumsum(axis=1) * lives.per_block / n
    variance = np.maximum(lives.squares.cumsum(axis=1) * lives.per_block / n - mean**2, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):  # where a block holds one outcome
        z = np.where(variance > 0.0, mean / np.sqrt(variance / n), 0.0)
    return _first(z > NormalDist().inv_cdf(1.0 - settings.error_rate))


def _first(crossed: NDArray[np.bool_]) -> Ints:
    return np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1, NEVER)
