"""How far a loop has come: the run behind which something took effect, so that it can take effect there again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import sqlalchemy as sa

from pawl.jobs.live.composing import INLINE
from pawl.ledger.live_log import n_effects
from pawl.ledger.monitored_rows import newest_runs_of

__all__ = ["LoopPlace", "place_reached"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LoopPlace:
    """Behind a run of a cycle. cycle: its place in the order of one instant. number: how many effects came before."""

    at: datetime
    cycle: int
    number: int

    @property
    def payload(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "at": self.at.isoformat(),
            "cycle": INLINE[self.cycle] if self.cycle >= 0 else "",
            "number": self.number,
        }

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Self:
        """From JSON.

        >>> place = LoopPlace(at=datetime(2026, 1, 1), cycle=1, number=0)
        >>> LoopPlace.of(place.payload) == place
        True
        """
        name = payload["cycle"]
        cycle = INLINE.index(name) if name else -1
        return cls(at=datetime.fromisoformat(payload["at"]), cycle=cycle, number=payload["number"])


def place_reached(tx: sa.Connection, learner: str, otherwise: datetime) -> LoopPlace:
    """Behind the newest run of all that no training is; `otherwise`, and no cycle, before the first."""
    newest = {name: at for name, at in newest_runs_of(tx, learner).items() if name in INLINE}
    at, cycle = max(((at, INLINE.index(name)) for name, at in newest.items()), default=(otherwise, -1))
    return LoopPlace(at=at, cycle=cycle, number=n_effects(tx, learner))
