"""What `pawl explain` tells of an answer of POST /predict: the version, and what that one was made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from pawl.errors import NotFoundError
from pawl.ledger.decision_record import DecisionRecord, broken_rows
from pawl.ledger.decision_tables import inference_logs
from pawl.ledger.inferences import Lineage, trace

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["PredictionExplained", "explain_prediction", "prediction_payload", "prediction_text"]

PREDICTED = "p/"
"""How the traces of such answers begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionExplained:
    """asked, said: as the ledger keeps them. broken: what is wrong with the row; none where it is as it was sealed."""

    lineage: Lineage
    asked: Mapping[str, Any]
    said: Mapping[str, Any]
    broken: tuple[str, ...]


def explain_prediction(tx: sa.Connection, trace_id: str) -> PredictionExplained | None:
    """Lead an answer back; None where the trace is of another kind, or no inference has it.

    It is not derived again: of bars that a caller sent the ledger keeps the hash alone.
    """
    if not trace_id.startswith(PREDICTED):
        return None
    try:
        lineage = trace(tx, trace_id)
    except NotFoundError:
        return None
    chosen = sa.select(inference_logs).where(inference_logs.c.inference_id == lineage.inference_id)
    row = {str(name): value for name, value in tx.execute(chosen).mappings().one().items()}
    record = DecisionRecord(events=(), outcomes=(), trajectory=None, inference=row)
    return PredictionExplained(
        lineage=lineage, asked=row["prompt_payload"], said=row["response_payload"], broken=broken_rows(tx, record)
    )


def prediction_payload(found: PredictionExplained) -> dict[str, object]:
    """As JSON. identical: null, for the answer is not derived again."""
    lineage = found.lineage
    datasets = [str(one) for one in lineage.dataset_version_ids]
    return {
        "trace_id": lineage.trace_id,
        "inference_id": str(lineage.inference_id),
        "source_event_id": None,
        "trajectory_id": None,
        "dataset_version_id": datasets[-1] if datasets else None,
        "train_job_id": None if lineage.train_job_id is None else str(lineage.train_job_id),
        "model_version": lineage.model_version,
        "asked": dict(found.asked),
        "decision": dict(found.said),
        "identical": None,
        "broken_rows": list(found.broken),
    }


def prediction_text(found: PredictionExplained) -> "RenderableType":
    """As a person reads it: the answer first."""
    from rich.table import Table
    from rich.text import Text

    asked, lineage = found.asked, found.lineage
    sealed = "its row is as it was sealed; not derived again, for the ledger keeps but a hash of the caller's bars"
    of_features = "its row is as it was sealed, and holds the features that were sent; not derived again"
    rows = {
        "answer": "; ".join(found.broken) or (of_features if "features" in asked else sealed),
        "prediction": f"{found.said['signal']} {asked['ticker']}, on the bar of {asked['bar_timestamp']}",
        "model version": lineage.model_version,
        "train job": str(lineage.train_job_id),
        "dataset": ", ".join(map(str, lineage.dataset_version_ids)) or "none",
        "inference": str(lineage.inference_id),
    }
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for name, value in rows.items():
        table.add_row(name, Text(value))
    return table
