"""`pawl report`: what happened, written down for a person."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.session import HomeOption, JsonOption, session
from pawl.errors import RefusalError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.jobs.live.monthly_report import MonthlyFiles
    from pawl.reports.monthly_data import MonthlyReport

__all__ = ["report_app"]

report_app = typer.Typer(name="report", help="What happened, written down.", no_args_is_help=True)


@report_app.callback()
def report() -> None:
    """What happened, written down."""


@report_app.command()
def monthly(
    learner: Annotated[str, typer.Argument(metavar="LEARNER", help="Of which learner, like reversal.")],
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="A month that has ended, UTC.")],
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Write the report of a month: Markdown, a page that needs no network, and its charts as PNG."""
    with session(home, is_json=is_json) as run:
        from pawl.cli.composition import learner_named, workspace_of
        from pawl.jobs.ledgers import open_ledger
        from pawl.jobs.live.monthly_facts import MonthSource, month_span
        from pawl.jobs.live.monthly_report import write_month

        _, end = month_span(month)
        if end > datetime.now(UTC):
            raise RefusalError(
                f"{month} has not ended", where="--month", fix=f"ask again after {end:%Y-%m-%d} 00:00 UTC"
            )
        spec = learner_named(learner, run.settings).spec
        open_ledger(run.settings, None).close()  # NotFoundError where nothing was ever recorded
        workspace = workspace_of(run.settings)
        source = MonthSource(
            workspace=workspace,
            learner=spec.name,
            timeframe=spec.timeframe,
            tickers=tuple(workspace.silver.tickers(spec.timeframe)),
            limits=run.settings.quality,
        )
        data, files = write_month(source, month)
        run.answer(_payload(data, files), text=lambda: _text(data, files))


def _payload(data: "MonthlyReport", files: "MonthlyFiles") -> dict[str, object]:
    return {
        **files.as_json(),
        "champion": data.champion,
        "ranking": [] if data.selected is None else [dict(row) for row in data.selected.ranking],
        "act": None if data.selected is None else data.selected.act,
        "targets": [
            {"target": one.what, "by": one.horizon, "wanted": one.wanted, "reached": one.reached, "met": one.is_met}
            for one in data.targets
        ],
    }


def _text(data: "MonthlyReport", files: "MonthlyFiles") -> "RenderableType":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    marks = {True: "met", False: "not met", None: "–"}
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("target", "by", "wanted", "reached", ""):
        table.add_column(name)
    for one in data.targets:
        table.add_row(Text(one.what), one.horizon, one.wanted, one.reached, marks[one.is_met])
    return Group(Text(files.summary), table, Text(f"Report: {files.page}"), Text(f"Text:   {files.markdown}"))
