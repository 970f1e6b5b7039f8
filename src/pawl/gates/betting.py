"""A bet against "no better" for win or loss: exact at any look and for any distribution inside the bounds.

A player who starts with 1 stakes a share λ of the purse on each block's gain d ∈ [−1, 1]: W ← W · (1 + λ d). While the
expected gain, given the past, is at most 0, the purse is not expected to grow, and ever reaches 1 / α with a chance of
at most α (Ville 1939; Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, JRSS B 2024).
Several shares are staked side by side, with equal parts of the purse: which is best need not be known.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pawl.errors import CorruptArtifactError, InputError
from pawl.gates.sequence_config import SequenceSettings

__all__ = ["STAKES", "WinLossBet", "bet_on"]

STAKES = (0.03, 0.06, 0.12, 0.24, 0.48, 0.9)
"""Shares of the purse; all below 1, so that no block can ruin a player."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WinLossBet:
    """The state of the bet: blocks so far, their mean, and the log of each purse, one a stake.

    >>> bet_on([0.4, 0.5, 0.3] * 5).evidence > 20
    True
    >>> round(bet_on([0.4, -0.4] * 5).evidence, 3) < 1
    True
    """

    n_blocks: int
    mean: float
    log_purses: tuple[float, ...]

    def with_block(self, gain: float) -> "WinLossBet":
        """The state after one more block. gain: mean of challenger's wins less champion's (1, 0 or −1 a pair)."""
        if not -1.0 <= gain <= 1.0:
            raise InputError(f"a block's gain in wins is {gain}", where="online test", fix="wins are 0 or 1 a decision")
        n = self.n_blocks + 1
        purses = tuple(log + math.log1p(stake * gain) for log, stake in zip(self.log_purses, STAKES, strict=True))
        return WinLossBet(n_blocks=n, mean=self.mean + (gain - self.mean) / n, log_purses=purses)

    @property
    def evidence(self) -> float:
        """The purse: 1 says nothing, 1 / α decides; +∞ where it is beyond any float."""
        most = max(self.log_purses)
        scaled = sum(math.exp(log - most) for log in self.log_purses) / len(self.log_purses)
        return math.exp(most) * scaled if most < math.log(1e300) else math.inf

    def is_better(self, settings: SequenceSettings) -> bool:
        """Whether the challenger is proved to win more often; no look before `min_blocks`."""
        return self.n_blocks >= settings.min_blocks and self.evidence >= 1.0 / settings.error_rate

    def to_json(self) -> dict[str, object]:
        """As JSON values."""
        return {"n_blocks": self.n_blocks, "mean": self.mean, "log_purses": list(self.log_purses)}

    @staticmethod
    def from_json(values: Mapping[str, object]) -> "WinLossBet":
        """Read what `to_json` wrote; CorruptArtifactError for anything else."""
        n, mean, purses = (values.get(name) for name in ("n_blocks", "mean", "log_purses"))
        is_list = isinstance(purses, list) and len(purses) == len(STAKES) and all(isinstance(x, float) for x in purses)
        if not (isinstance(n, int) and n >= 0 and isinstance(mean, float) and isinstance(purses, list) and is_list):
            raise CorruptArtifactError(
                f"the stored state of a bet is damaged: {dict(values)}", where="ledger", fix="build it anew"
            )
        return WinLossBet(n_blocks=n, mean=mean, log_purses=tuple(purses))


def bet_on(gains: Iterable[float]) -> WinLossBet:
    """The state after all these blocks."""
    state = WinLossBet(n_blocks=0, mean=0.0, log_purses=(0.0,) * len(STAKES))
    for gain in gains:
        state = state.with_block(gain)
    return state
