"""`pawl explain`: from a decision back to the data and the artifact it came from, and whether they still give it."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.arguments import ReplayOption
from pawl.cli.session import HomeOption, JsonOption, session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.cli.explained_prediction import PredictionExplained
    from pawl.cli.session import Session
    from pawl.jobs.explaining import Explained
    from pawl.jobs.explaining_decision import DecisionExplained
    from pawl.jobs.live.explaining_signal import SignalExplained

__all__ = ["explain"]


def explain(
    trace: Annotated[str, typer.Argument(metavar="TRACE", help="The trace_id of a logged decision.")],
    replay: ReplayOption = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Lead a decision back to its cause, and derive it again; exit code 1 when the bytes differ.

    One that came through the service is derived from its events, and led on to the datasets and versions that hold it.
    An answer of POST /predict is led back to its version, and its row is checked; it is not derived again.
    """
    with session(home, is_json=is_json) as run:
        decision = _of_service(run, trace) if replay is None else None
        if decision is not None:
            from pawl.cli.explained_decision import decision_payload, decision_text

            run.answer(decision_payload(decision), text=lambda: decision_text(decision))
            if not decision.is_identical:
                raise typer.Exit(1)
            return
        signal = _of_loop(run, trace) if replay is None else None
        if signal is not None:
            run.answer(_signal_payload(signal), text=lambda: _signal_text(signal))
            if not signal.is_identical:
                raise typer.Exit(1)
            return
        prediction = _of_predict(run, trace) if replay is None else None
        if prediction is not None:
            from pawl.cli.explained_prediction import prediction_payload, prediction_text

            run.answer(prediction_payload(prediction), text=lambda: prediction_text(prediction))
            if prediction.broken:
                raise typer.Exit(1)
            return
        from pawl.cli.composition import learner_named
        from pawl.jobs.explaining import explain_trace
        from pawl.jobs.workspace import Workspace

        found = explain_trace(Workspace.at(run.home), lambda name: learner_named(name, run.settings), trace, replay)
        run.answer(_payload(found), text=lambda: _text(found))
        if not found.is_identical:
            raise typer.Exit(1)


def _of_service(run: "Session", trace: str) -> "DecisionExplained | None":
    """The decision of the workspace's own ledger that has this trace; None where it holds none."""
    from pawl.errors import NotFoundError
    from pawl.jobs.explaining_decision import explain_decision
    from pawl.jobs.ledgers import has_ledger, ledger_of

    if not has_ledger(run.settings):
        return None
    with closing(ledger_of(run.settings)) as ledger, ledger.reading() as tx:
        try:
            return explain_decision(tx, run.home, trace, run.settings.passport)
        except NotFoundError:
            return None


def _of_loop(run: "Session", trace: str) -> "SignalExplained | None":
    """The signal of the workspace's live loop that has this trace; None where it gave none."""
    from pawl.cli.composition import learner_named, workspace_of
    from pawl.errors import NotFoundError
    from pawl.jobs.ledgers import has_ledger
    from pawl.jobs.live.explaining_signal import explain_signal

    if not has_ledger(run.settings):
        return None
    try:
        return explain_signal(
            workspace_of(run.settings), lambda name: learner_named(name, run.settings), run.settings.live, trace
        )
    except NotFoundError:
        return None


def _of_predict(run: "Session", trace: str) -> "PredictionExplained | None":
    """The answer of POST /predict that has this trace; None where the ledger holds none."""
    from pawl.cli.explained_prediction import explain_prediction
    from pawl.jobs.ledgers import has_ledger, ledger_of

    if not has_ledger(run.settings):
        return None
    with closing(ledger_of(run.settings)) as ledger, ledger.reading() as tx:
        return explain_prediction(tx, trace)


def _signal_payload(found: "SignalExplained") -> dict[str, object]:
    return {
        "trace_id": found.trace_id,
        "inference_id": str(found.inference_id),
        "source_event_id": str(found.signal_id),
        "trajectory_id": None if found.trajectory_id is None else str(found.trajectory_id),
        "dataset_version_id": str(found.dataset_version_id),
        "train_job_id": str(found.train_job_id),
        "model_version": found.model_version,
        "decision": {"ticker": found.pair, "at": found.at.isoformat(), "signal": found.signal, **found.decision},
        "outcome": found.outcome,
        "identical": found.is_identical,
        "dataset_identical": found.is_same_dataset,
        "decision_identical": found.is_same_decision,
    }


def _signal_text(found: "SignalExplained") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    if found.is_identical:
        answer = "derived again from data and artifact: the same to the byte"
    elif found.is_same_dataset:
        answer = "NOT the same: today's bars or code no longer give this decision"
    else:
        answer = "NOT the same: the dataset version no longer builds to its hash (bars or features have changed)"
    rows = {
        "signal": f"{found.signal} {found.pair}, {found.at:%Y-%m-%d %H:%M} UTC",
        "outcome": found.outcome or "open",
        "model version": found.model_version,
        "train job": str(found.train_job_id),
        "dataset": str(found.dataset_version_id),
        "inference": str(found.inference_id),
        "trajectory": str(found.trajectory_id),
        "answer": answer,
    }
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for name, value in rows.items():
        table.add_row(name, Text(value))
    return table


def _payload(found: "Explained") -> dict[str, object]:
    ids = ("trace_id", "inference_id", "source_event_id", "trajectory_id")
    return {
        **{name: found.decision[name] for name in ids},
        "dataset_version_id": str(found.dataset_version_id),
        "train_job_id": str(found.train_job_id),
        "model_version": found.model_version,
        "decision": {
            "ticker": found.ticker,
            "policy": found.policy,
            "at": found.at.isoformat(),
            **{name: value for name, value in found.decision.items() if name not in (*ids, "version")},
        },
        "identical": found.is_identical,
        "dataset_identical": found.is_same_dataset,
        "decision_identical": found.is_same_decision,
        "replay": found.replay,
    }


def _text(found: "Explained") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    said = found.decision
    if found.is_identical:
        answer = "derived again from data and artifact: the same to the byte"
    elif found.is_same_dataset:
        answer = "NOT the same: today's bars or code no longer give this decision"
    else:
        answer = "NOT the same: the dataset version no longer builds to its hash (bars or features have changed)"
    rows = {
        "decision": f"{said['action']} {said['position_size']:+.3f} {found.ticker}, {found.at:%Y-%m-%d %H:%M} UTC "
        f"({found.policy})",
        "model version": found.model_version,
        "train job": str(found.train_job_id),
        "dataset": str(found.dataset_version_id),
        "inference": said["inference_id"],
        "event": said["source_event_id"],
        "trajectory": said["trajectory_id"],
        "replay": found.replay,
        "answer": answer,
    }
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for name, value in rows.items():
        table.add_row(name, Text(str(value)))
    return table
