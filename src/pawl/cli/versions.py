"""`pawl versions` and `pawl gate explain`: what was trained, what served, and why."""

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.arguments import ReplayOption, parse_instant, shown_version, stored_version
from pawl.cli.gate_audit import audit
from pawl.cli.session import HomeOption, JsonOption, session
from pawl.errors import NotFoundError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.cli.session import Session
    from pawl.ledger.evaluation_pages import EvaluationRow
    from pawl.ledger.evaluations import EvaluationReport

__all__ = ["gate_app", "versions"]

gate_app = typer.Typer(name="gate", help="The gate: what it said, and why.", no_args_is_help=True)


@gate_app.callback()
def gate() -> None:
    """The gate: what it said, and why."""


def versions(
    at: Annotated[
        datetime | None, typer.Option("--at", parser=parse_instant, metavar="TIME", help="Only what decided then, UTC.")
    ] = None,
    replay: ReplayOption = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """List every version with its status and verdict; with --at, the ones that decided at that time."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.ledgers import open_ledger
        from pawl.ledger.deployments import active_at
        from pawl.ledger.model_versions import list_versions

        with closing(open_ledger(run.settings, replay)) as ledger, ledger.reading() as tx:
            listed = list_versions(tx)
            if at is not None:
                served = {active_at(tx, one.learner, at, one.role) for one in listed}
                listed = [one for one in listed if one.version in served]
        rows: list[dict[str, object]] = [
            {
                "version": one.version,
                "learner": one.learner,
                "role": one.role,
                "status": one.status,
                "trained_at": one.trained_at.isoformat(),
                "max_t1": one.max_t1.isoformat(),
                "dataset_hash": one.dataset_hash,
                "verdict": one.verdict,
            }
            for one in listed
        ]
        nothing = "no version yet" if at is None else f"no version decided at {at:%Y-%m-%d %H:%M} UTC"
        run.answer(rows, text=lambda: _table(rows) if rows else f"{nothing}. Next: pawl status")


@gate_app.command()
def explain(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A judged version, like m002-1.1.")],
    replay: ReplayOption = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Print the newest verdict on a version: champion, challenger and limit by row; exit code 1 for a refusal."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.ledgers import open_ledger
        from pawl.ledger.evaluations import newest_report
        from pawl.ledger.model_versions import get_version

        with closing(open_ledger(run.settings, replay)) as ledger, ledger.reading() as tx:
            report = newest_report(tx, get_version(tx, stored_version(version)).version)
        if report is None:
            raise NotFoundError(
                f"`{version}` was never judged", where="ledger", fix=f"judge it: pawl gate judge {version}"
            )
        _tell(run, report)


@gate_app.command()
def judge(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A challenger, like m002-1.1.")],
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Judge a version against what serves now, on every bar since the first that neither has read; 1 for a refusal."""
    with session(home, is_json=is_json) as run:
        from pawl.cli.composition import learner_named, terms_of
        from pawl.jobs.ledgers import open_ledger
        from pawl.jobs.live.judging_by_hand import judge_by_hand
        from pawl.jobs.workspace import Workspace

        with closing(open_ledger(run.settings, None)) as ledger:
            workspace, named = Workspace.at(run.settings.home, ledger), stored_version(version)
            learner = learner_named(workspace.versions.get(named).learner, run.settings)
            report = judge_by_hand(workspace, learner, named, terms_of(run.settings), datetime.now(UTC))
        _tell(run, report)


@gate_app.command("ls")
def list_verdicts(
    learner: Annotated[str | None, typer.Argument(metavar="LEARNER", help="Of this learner only.")] = None,
    replay: ReplayOption = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """List every verdict by version: its figures, and each change against the newest one of the version before."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.ledgers import open_ledger
        from pawl.ledger.evaluation_pages import EvaluationFilter, evaluations_page
        from pawl.ledger.version_number import VersionNumber

        with closing(open_ledger(run.settings, replay)) as ledger, ledger.reading() as tx:
            found = evaluations_page(tx, EvaluationFilter(learner=learner), None)
        listed = sorted(
            found, key=lambda one: (one.learner, one.role, VersionNumber.parse(one.model_version), one.report_number)
        )
        nothing = "no verdict yet. Next: pawl gate judge VERSION"
        run.answer([_verdict(one) for one in listed], text=lambda: _verdicts(listed) if listed else nothing)


def _verdict(one: "EvaluationRow") -> dict[str, object]:
    return {
        "version": one.model_version,
        "learner": one.learner,
        "role": one.role,
        "scope": one.scope,
        "number": one.report_number,
        "verdict": one.gate_result,
        "champion": one.baseline_version,
        "preceding": one.preceding_version,
        "figures": {each.metric: each.after for each in one.metrics},
        "changes": {each.metric: each.change for each in one.changes},
        "created_at": one.created_at.isoformat(),
    }


def _verdicts(listed: "list[EvaluationRow]") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("version", "verdict", "metric", "figure", "change", "against"):
        table.add_column(name, no_wrap=True, justify="right" if name in ("figure", "change") else "left")
    for one in listed:
        head: tuple[Text | str, str] = (Text(shown_version(one.model_version)), one.gate_result)
        against = shown_version(one.preceding_version) if one.preceding_version else "–"
        changes = {each.metric: each.change for each in one.changes}
        for each in one.metrics:
            change = changes.get(each.metric)
            figures = ("–" if each.after is None else f"{each.after:.4f}", "–" if change is None else f"{change:+.4f}")
            table.add_row(*head, each.metric, *(text.replace("-", "−") for text in figures), against)
            head, against = ("", ""), ""
    return table


gate_app.command(name="audit")(audit)


def _tell(run: "Session", report: "EvaluationReport") -> None:
    """Print a verdict; exit code 1 for a refusal."""
    from rich.text import Text

    from pawl.gates.table import verdict_text
    from pawl.gates.verdict_json import verdict_to_json

    payload = {"version": report.version, "champion": report.baseline, **verdict_to_json(report.verdict)}
    text = verdict_text(report.verdict, report.version, report.baseline)
    run.answer(payload, text=lambda: Text(text))
    if not report.verdict.passed:
        raise typer.Exit(1)


def _table(rows: list[dict[str, object]]) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("version", "status", "verdict", "trained at, UTC", "has read up to, UTC"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        read, trained = (str(row[name])[:16].replace("T", " ") for name in ("max_t1", "trained_at"))
        table.add_row(
            Text(shown_version(str(row["version"]))), str(row["status"]), str(row["verdict"] or "–"), trained, read
        )
    return table
