"""Whether a training that a trigger asked for beat doing nothing, from what its version and the champion of then said
of the same bars."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from pawl.gates.day_blocks import block_means, day_blocks
from pawl.gates.paired_sequence import sequence_of
from pawl.gates.sequence_config import SequenceSettings
from pawl.jobs.live.cycle import Told
from pawl.jobs.live.watched_world import WatchedWorld
from pawl.ledger.deployments import active_at
from pawl.ledger.training_outcomes import ended_training
from pawl.ledger.trigger_firings import StoredFiring, answered, record_worth
from pawl.ledger.watched_rows import paired_signals
from pawl.triggers.firing import Effect, Firing
from pawl.triggers.worth import worth_of

__all__ = ["measure_worth"]

LOOKED_AT = timedelta(days=120)
"""How long after a firing its worth is still measured: the longest shadow, and the training before it."""


def measure_worth(world: WatchedWorld, at: datetime, settings: SequenceSettings) -> Told:
    """Look at every training that a firing led to, and write down what is new. Proved once, it stands."""
    with world.ledger.transaction() as tx:
        open_ones = [one for one in answered(tx, world.name, at - LOOKED_AT) if not _is_proved(one)]
        found = {one.firing_id: _worth(tx, world, one, at, settings) for one in open_ones}
        written = [name for name, worth in found.items() if worth is not None and record_worth(tx, name, worth, at)]
    return {"looked_at": len(open_ones), "written": len(written)}


def _is_proved(firing: StoredFiring) -> bool:
    return firing.worth is not None and firing.worth["beat_doing_nothing"] is not None


def _worth(
    tx: sa.Connection, world: WatchedWorld, firing: StoredFiring, at: datetime, settings: SequenceSettings
) -> Mapping[str, Any] | None:
    """As JSON; None while the training has not ended. why: what keeps it from being judged."""
    job = None if firing.train_job_id is None else ended_training(tx, firing.train_job_id)
    if job is None:
        return None
    stayed = active_at(tx, world.name, job.finished_at)
    nothing = {"version": job.version, "stayed": stayed, "n_pairs": 0, "n_blocks": 0, "mean_bps": None,
               "beat_doing_nothing": None}  # fmt: skip
    if job.status == "failed":
        return {**nothing, "why": "the training failed"}
    if stayed is None:
        return {**nothing, "why": "nothing served before it"}
    pairs = paired_signals(tx, job.version, stayed, at)
    if pairs.is_empty():
        return {**nothing, "why": "no bar that both have decided on"}
    spec = world.learner.spec
    decided = pairs["decided_at"].to_list()
    blocks = day_blocks(min(decided), spec.horizon_bars * spec.timeframe.length, settings)
    gains = (pairs["candidate_bps"] - pairs["stayed_bps"]).fill_null(float("nan")).to_numpy()
    sequence = sequence_of(block_means(blocks, decided, gains, at).tolist())
    asked = Firing(kind=firing.kind, effect=Effect.RETRAIN, at=firing.at, values={}, reason=firing.reason)
    worth = worth_of(asked, job.version, sequence, settings)
    return {
        "version": job.version,
        "stayed": stayed,
        "n_pairs": pairs.height,
        "n_blocks": worth.n_blocks,
        "mean_bps": worth.mean_bps if np.isfinite(worth.mean_bps) else None,
        "beat_doing_nothing": worth.beat_doing_nothing,
        "why": None if worth.beat_doing_nothing is not None else "not proved either way",
    }
