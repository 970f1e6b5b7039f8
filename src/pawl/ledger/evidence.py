"""The events that show what a trajectory says: links a reader can follow back."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import sqlalchemy as sa

from pawl.ledger.decision_tables import decision_trajectories
from pawl.ledger.event_tables import event_outbox

__all__ = ["events_of"]

KEYS_AT_ONCE = 500


def events_of(tx: sa.Connection, user_id: UUID, trajectory_ids: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Trajectory → its events in the order in which they were recorded; those of other users have none."""
    t, e = decision_trajectories.c, event_outbox.c
    found: dict[str, list[str]] = {}
    keys = [UUID(one) for one in dict.fromkeys(trajectory_ids)]
    for first in range(0, len(keys), KEYS_AT_ONCE):
        joined = sa.join(decision_trajectories, event_outbox, (e.trace_id == t.trace_id) & (e.user_id == t.user_id))
        chosen = sa.select(t.trajectory_id, e.event_id).select_from(joined)
        mine = chosen.where(t.user_id == user_id, t.trajectory_id.in_(keys[first : first + KEYS_AT_ONCE]))
        for trajectory_id, event_id in tx.execute(mine.order_by(e.recorded_at, e.event_id)):
            found.setdefault(str(trajectory_id), []).append(str(event_id))
    return {name: tuple(events) for name, events in found.items()}
