"""What a replay answers: one JSON object for programs, the answer and its tables for people."""

from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.jobs.replay_reporting import ReplayPage
    from pawl.jobs.replaying import SealedReplay

__all__ = ["replay_payload", "replay_text"]

LINE = 100  # characters, where a sentence is broken


def replay_payload(sealed: "SealedReplay", page: "ReplayPage", seconds: float) -> dict[str, object]:
    """The figures, the differences and every version with its verdict. seconds: wall time, in no hash."""
    from pawl.jobs.replay_result import figures_json

    result = sealed.result
    return {
        "decisions": result.n_decisions,
        "ledger_hash": sealed.ledger_hash,
        "policies": {policy: figures_json(figures) for policy, figures in result.policies.items()},
        "differences": {
            name: {"bps_per_decision": found.value, "low": found.low, "high": found.high}
            for name, found in result.differences.items()
        },
        "versions": [
            {
                "version": one.record.version,
                "trained_at": one.record.trained_at,
                "max_t1": one.record.certificate.max_t1.isoformat(),
                "dataset_hash": one.record.certificate.dataset_hash,
                "verdict": "pass" if one.verdict.passed else "fail",
                "reasons": list(one.verdict.reasons),
            }
            for one in result.candidates
        ],
        "to": sealed.order.end.isoformat(),
        "left_out": dict(sealed.left_out),
        "replay_id": str(sealed.replay_id),
        "report": str(page.path),
        "seconds": round(seconds, 1),
    }


def replay_text(sealed: "SealedReplay", page: "ReplayPage", seconds: float) -> "RenderableType":
    """What the gate was worth, in words and in tables, and what to ask next."""
    from rich.console import Group

    from pawl.reports.gate_worth import gate_worth
    from pawl.reports.policies import differences_table, policies_table
    from pawl.reports.report_data import Interval

    result = sealed.result
    intervals = {name: Interval(one.value, one.low, one.high) for name, one in result.differences.items()}
    return Group(
        fill(gate_worth(list(result.policies), intervals), LINE),
        "",
        policies_table({name: (one.figures, one.counts) for name, one in result.policies.items()}),
        "",
        differences_table(result.differences),
        "",
        f"{sealed.order.start:%Y-%m-%d} to {sealed.order.end:%Y-%m-%d}: {result.n_decisions:,} decisions, "
        f"{len(result.candidates)} versions, {seconds:.0f} s",
        f"ledger hash {sealed.ledger_hash}",
        f"Open {page.newest}",
        f"Next: pawl gate explain {result.candidates[-1].record.version} --replay {sealed.home.name}",
        f"      pawl explain {sealed.newest_trace}",
    )
