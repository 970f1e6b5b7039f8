"""What a set of pairs leaves in the ledger: the pairs themselves, and the label of those that contradict each other."""

import json
from datetime import datetime
from uuid import UUID

import polars as pl
import sqlalchemy as sa

from pawl.ledger.decision_tables import decision_trajectories
from pawl.ledger.identity import identity
from pawl.ledger.pair_tables import preference_pairs
from pawl.policy.label_quality import LabelQuality

__all__ = ["label_ambiguous", "write_pairs"]

KEYS_AT_ONCE = 500
PAIRS_AT_ONCE = 5_000


def write_pairs(tx: sa.Connection, dataset_version_id: UUID, pairs: pl.DataFrame, learner: str, now: datetime) -> None:
    """Write the pairs of a version that is on record. pairs: as a layer of the type `orpo` says them.

    user_id and trace_id are those of the chosen decision, for that is what is learnt.
    """
    for part in pairs.iter_slices(PAIRS_AT_ONCE):
        rows = [
            {
                "pair_id": identity("pair", dataset_version_id, row["chosen_id"], row["rejected_id"]),
                "dataset_version_id": dataset_version_id,
                "user_id": UUID(row["user_id"]),
                "trace_id": row["trace_id"],
                "prompt": json.loads(row["prompt"]),
                "chosen": json.loads(row["chosen"]),
                "rejected": json.loads(row["rejected"]),
                "margin_score": row["margin_score"],
                "pair_quality": row["pair_quality"],
                "created_at": now,
                "learner": learner,
            }
            for row in part.iter_rows(named=True)
        ]
        tx.execute(sa.insert(preference_pairs), rows)


def label_ambiguous(tx: sa.Connection, trajectory_ids: pl.Series) -> None:
    """Label these ambiguous. trajectory_ids: 32 hexadecimal digits each."""
    c = decision_trajectories.c
    names = sorted(UUID(name) for name in trajectory_ids)
    for start in range(0, len(names), KEYS_AT_ONCE):
        is_named = c.trajectory_id.in_(names[start : start + KEYS_AT_ONCE])
        is_other = c.label_quality != LabelQuality.AMBIGUOUS.value
        tx.execute(sa.update(decision_trajectories).where(is_named & is_other).values(label_quality="ambiguous"))
