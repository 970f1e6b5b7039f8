"""Whether a training that a trigger asked for was worth it: read from the shadow pairs of its candidate."""

from dataclasses import dataclass
from datetime import datetime

from pawl.gates.paired_sequence import PairedSequence
from pawl.gates.sequence_config import SequenceSettings
from pawl.triggers.firing import Firing

__all__ = ["RetrainingWorth", "worth_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingWorth:
    """kind, fired_at: of the firing. mean_bps: of the candidate less the champion that would have stayed, a decision.
    beat_doing_nothing: proved better (True), proved worse (False), or neither (None).
    """

    kind: str
    fired_at: datetime
    version: str
    n_blocks: int
    mean_bps: float
    beat_doing_nothing: bool | None


def worth_of(firing: Firing, version: str, pairs: PairedSequence, settings: SequenceSettings) -> RetrainingWorth:
    """What the shadow of the candidate says about the trigger that asked for it; the same bound in both directions.

    >>> from datetime import UTC
    >>> from pawl.gates.paired_sequence import sequence_of
    >>> from pawl.triggers.firing import Effect
    >>> firing = Firing(kind="regime_change", effect=Effect.RETRAIN, at=datetime(2026, 1, 1, tzinfo=UTC), values={},
    ...                 reason="")
    >>> worse = sequence_of([-3.0, -5.0, -4.0, -6.0, -2.0, -5.0, -3.0, -4.0, -4.0, -5.0])
    >>> worth_of(firing, "m002-1.4", worse, SequenceSettings()).beat_doing_nothing
    False
    """
    look = pairs.look(settings)
    mirrored = PairedSequence(n_blocks=pairs.n_blocks, mean=-pairs.mean, squares=pairs.squares).look(settings)
    proved = True if look.is_better else False if mirrored.is_better else None
    return RetrainingWorth(
        kind=firing.kind,
        fired_at=firing.at,
        version=version,
        n_blocks=look.n_blocks,
        mean_bps=look.mean_bps,
        beat_doing_nothing=proved,
    )
