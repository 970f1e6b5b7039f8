"""The anytime-valid paired test of two versions: looked at after every block, it is wrong in at most α of all lives."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from pawl.errors import CorruptArtifactError, InputError
from pawl.gates.sequence_config import SequenceSettings
from pawl.gates.student_bound import critical_t

__all__ = ["EMPTY_SEQUENCE", "Look", "PairedSequence", "sequence_of"]

# Below this share of the mean the spread is rounding: a gain that never varies was not measured, it was computed.
NO_SPREAD = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the test says after some blocks. mean_bps, low_bps: of the gain a decision, averaged by block; the lower
    bound holds at every look at once, and is −∞ before the first look and where the blocks do not vary.
    """

    n_blocks: int
    mean_bps: float
    low_bps: float

    @property
    def is_better(self) -> bool:
        """Whether the challenger is proved better than the champion."""
        return self.low_bps > 0.0

    def to_json(self) -> dict[str, float | int | None]:
        """As `rollout status` shows it; None for what is not finite."""
        mean, low = (value if math.isfinite(value) else None for value in (self.mean_bps, self.low_bps))
        return {"mean": mean, "low": low, "blocks": self.n_blocks}


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedSequence:
    """The state of the test: count, mean and sum of squared deviations of the block means so far.

    >>> state = sequence_of([3.0, 5.0, 4.0, 6.0, 2.0, 5.0, 3.0, 4.0, 4.0, 5.0])
    >>> look = state.look(SequenceSettings())
    >>> look.n_blocks, round(look.mean_bps, 3), round(look.low_bps, 3), look.is_better
    (10, 4.1, 2.596, True)
    """

    n_blocks: int
    mean: float
    squares: float

    def with_block(self, mean_bps: float) -> "PairedSequence":
        """The state after one more block (Welford's update); InputError for a mean that is not finite."""
        if not math.isfinite(mean_bps):
            raise InputError(f"a block's mean is {mean_bps}", where="online test", fix="leave unresolved blocks out")
        n = self.n_blocks + 1
        step = mean_bps - self.mean
        mean = self.mean + step / n
        return PairedSequence(n_blocks=n, mean=mean, squares=self.squares + step * (mean_bps - mean))

    def look(self, settings: SequenceSettings) -> Look:
        """What the blocks so far say; looking often, or after every block, costs nothing."""
        n = self.n_blocks
        mean = self.mean if n else math.nan
        if n < settings.min_blocks:
            return Look(n_blocks=n, mean_bps=mean, low_bps=-math.inf)
        deviation = math.sqrt(self.squares / (n - 1))
        if deviation <= NO_SPREAD * abs(mean):
            return Look(n_blocks=n, mean_bps=mean, low_bps=-math.inf)
        enough = float(critical_t(np.array([n]), settings)[0])
        return Look(n_blocks=n, mean_bps=mean, low_bps=mean - enough * deviation / math.sqrt(n))

    def to_json(self) -> dict[str, float | int]:
        """As JSON values; floats survive the way to JSON and back to the bit."""
        return {"n_blocks": self.n_blocks, "mean": self.mean, "squares": self.squares}

    @staticmethod
    def from_json(values: Mapping[str, float | int]) -> "PairedSequence":
        """Read what `to_json` wrote; CorruptArtifactError for anything else."""
        try:
            n, mean, squares = int(values["n_blocks"]), float(values["mean"]), float(values["squares"])
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(repr(error)) from error
        if (
            n < 0
            or len(values) != len(EMPTY_SEQUENCE.to_json())
            or not (math.isfinite(mean) and 0 <= squares < math.inf)
        ):
            raise _damaged(f"{dict(values)}")
        return PairedSequence(n_blocks=n, mean=mean, squares=squares)


EMPTY_SEQUENCE = PairedSequence(n_blocks=0, mean=0.0, squares=0.0)
"""The state before the first block."""


def sequence_of(means_bps: Iterable[float]) -> PairedSequence:
    """The state after all these blocks."""
    state = EMPTY_SEQUENCE
    for mean in means_bps:
        state = state.with_block(mean)
    return state


def _damaged(what: str) -> CorruptArtifactError:
    return CorruptArtifactError(
        f"the stored state of an online test is damaged: {what}", where="ledger", fix="build it anew from the blocks"
    )
