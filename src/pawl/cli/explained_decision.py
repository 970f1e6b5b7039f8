"""How `pawl explain` tells of a decision that came through the service."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.jobs.explaining_decision import DecisionExplained

__all__ = ["decision_payload", "decision_text"]


def decision_payload(found: "DecisionExplained") -> dict[str, object]:
    """As JSON. dataset_version_id: the newest that holds it; train_job_id: of the version that recommended."""
    record, trajectory = found.record, found.record.trajectory or {}
    datasets = [
        {"dataset_version_id": str(one.dataset_version_id), "dataset_type": one.dataset_type, "n_rows": one.n_rows}
        for one in found.datasets
    ]
    return {
        "trace_id": record.events[0]["trace_id"],
        "user_id": str(record.events[0]["user_id"]),
        "inference_id": _text_or_none(record.events[0]["inference_id"]),
        "source_event_id": str(trajectory.get("source_event_id", record.events[0]["source_event_id"])),
        "trajectory_id": _text_or_none(trajectory.get("trajectory_id")),
        "dataset_version_id": datasets[-1]["dataset_version_id"] if datasets else None,
        "train_job_id": _text_or_none(found.recommended_by),
        "model_version": record.inference["model_version"] if record.inference else None,
        "events": [_event(row) for row in record.events],
        "decision": trajectory.get("decision_features"),
        "outcome": trajectory.get("outcome_features"),
        "utility_score": None if trajectory.get("utility_score") is None else float(trajectory["utility_score"]),
        "label_quality": trajectory.get("label_quality"),
        "datasets": datasets,
        "train_job_ids": [str(one) for one in found.train_job_ids],
        "model_versions": list(found.model_versions),
        "identical": found.is_identical,
        "folded": found.is_folded,
        "differences": list(found.differences),
        "broken_rows": list(found.broken),
        "lookup_ms": round(found.lookup_ms, 3),
    }


def decision_text(found: "DecisionExplained") -> "RenderableType":
    """As a person reads it: the answer first."""
    from rich.table import Table
    from rich.text import Text

    record, trajectory = found.record, found.record.trajectory
    rows = {
        "answer": _answer(found),
        "decision": _decision(found),
        "recommended by": _recommended(found),
        "events": ", ".join(f"{row['event_type']} {row['recorded_at']:%Y-%m-%d %H:%M} UTC" for row in record.events),
        "event": str(record.events[0]["event_id"]),
        "trajectory": "not folded yet" if trajectory is None else str(trajectory["trajectory_id"]),
        "outcome": _outcome(trajectory),
        "datasets": ", ".join(f"{one.dataset_type} {one.dataset_version_id}" for one in found.datasets) or "in none",
        "train jobs": ", ".join(str(one) for one in found.train_job_ids) or "none",
        "versions learnt": ", ".join(found.model_versions) or "none",
    }
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for name, value in rows.items():
        table.add_row(name, Text(value))
    return table


def _answer(found: "DecisionExplained") -> str:
    if found.broken:
        return f"NOT what was written: {'; '.join(found.broken)}. The whole chain: pawl ledger verify"
    if found.differences:
        return f"NOT the same: today's events, code and settings give another {', '.join(found.differences)}"
    if not found.is_folded:
        return "its rows verify; no trajectory yet, the worker will fold it: pawl worker"
    return "derived again from its events: the same to the byte, and its rows verify"


def _decision(found: "DecisionExplained") -> str:
    first = found.record.events[0]
    payload: Mapping[str, Any] = first["payload"]
    action = (found.record.trajectory or {}).get("decision_features", {}).get("action")
    done = f"{action['side']} of {action['size']:.2f}" if action else "no trade"
    return f"{done}, {payload['ticker']}, {first['occurred_at']:%Y-%m-%d %H:%M} UTC"


def _recommended(found: "DecisionExplained") -> str:
    inference = found.record.inference
    if inference is None:
        return "nobody: the user's own idea"
    return f"{inference['model_version']} (inference {inference['inference_id']})"


def _outcome(trajectory: Mapping[str, Any] | None) -> str:
    outcome = (trajectory or {}).get("outcome_features")
    if not outcome or trajectory is None:
        return "none yet"
    utility = float(trajectory["utility_score"])
    return f"{outcome['pnl_bps']:+.1f} bps, utility {utility:+.4f}, {trajectory['label_quality']}"


def _event(row: Mapping[str, Any]) -> dict[str, object]:
    return {
        "event_id": str(row["event_id"]),
        "event_type": row["event_type"],
        "source_table": row["source_table"],
        "source_event_id": str(row["source_event_id"]),
        "recorded_at": row["recorded_at"].isoformat(),
    }


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)
