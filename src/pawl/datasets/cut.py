"""Before which instant a dataset may be cut: all that was recorded before it is folded, and nothing is on its way."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import RefusalError
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.service_tables import dead_letters

__all__ = ["SETTLE", "TRAJECTORY_WORKER", "Cut", "latest_cut", "require_settled"]

SETTLE = timedelta(seconds=60)
"""How long a write may be on its way: an event carries the instant at which its transaction began."""

TRAJECTORY_WORKER = "trajectory-worker"

KEYS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """latest: no later cut can be rebuilt. n_pending: events that wait to be folded. parked_traces: those that a parked
    event belongs to: left out, because it may be retried and would then change what a rebuild finds.
    """

    latest: datetime
    n_pending: int
    parked_traces: tuple[str, ...]


def latest_cut(tx: sa.Connection, now: datetime) -> Cut:
    """How far the outbox has been folded, `now` less SETTLE where nothing waits."""
    c, letters = event_outbox.c, dead_letters.c
    found = sa.select(letters.item_id).where(letters.worker == TRAJECTORY_WORKER, letters.status == "parked")
    parked = [UUID(item) for item in tx.execute(found).scalars() if _is_id(item)]
    traces: set[str] = set()
    for start in range(0, len(parked), KEYS_AT_ONCE):
        of_events = sa.select(c.trace_id).where(c.event_id.in_(parked[start : start + KEYS_AT_ONCE]))
        traces.update(tx.execute(of_events).scalars())
    # What waits on a parked trace waits for its retry, and holds up nobody else.
    pending = tx.execute(sa.select(c.trace_id, c.recorded_at).where(c.processed_at.is_(None)))
    waiting = [row.recorded_at for row in pending if row.trace_id not in traces]
    return Cut(latest=min([now - SETTLE, *waiting]), n_pending=len(waiting), parked_traces=tuple(sorted(traces)))


def require_settled(cut_at: datetime, cut: Cut) -> None:
    """RefusalError for a cut that a later event could still come before."""
    if cut_at <= cut.latest:
        return
    if cut.n_pending:
        raise RefusalError(
            f"{cut.n_pending} events wait to be folded, the oldest recorded at {cut.latest:%Y-%m-%d %H:%M:%S} UTC",
            where=f"a cut at {cut_at:%Y-%m-%d %H:%M:%S} UTC",
            fix="fold them first: pawl worker; or cut before them, or leave --cut out",
        )
    raise RefusalError(
        f"events recorded after {cut.latest:%Y-%m-%d %H:%M:%S} UTC may still be on their way",
        where=f"a cut at {cut_at:%Y-%m-%d %H:%M:%S} UTC",
        fix=f"cut {SETTLE.total_seconds():.0f} seconds before now, or leave --cut out",
    )


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
