"""`pawl ledger verify`: is everything in the ledger as it was written?"""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from pawl.cli.arguments import ReplayOption
from pawl.cli.session import HomeOption, JsonOption, session

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.ledger.chain_check import ChainReport

__all__ = ["app"]

MOST_PRINTED = 20

app = typer.Typer(name="ledger", help="The ledger: is it as it was written?", no_args_is_help=True)


@app.callback()
def ledger() -> None:
    """The ledger: is it as it was written?"""


@app.command()
def verify(replay: ReplayOption = None, home: HomeOption = None, is_json: JsonOption = False) -> None:
    """Walk every hash chain and name each row that was edited, removed or re-ordered; exit code 1 for any."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.ledgers import open_ledger
        from pawl.ledger.chain_check import check_chains

        opened = open_ledger(run.settings, replay)
        try:
            with opened.reading() as tx:
                report = check_chains(tx)
        finally:
            opened.close()
        answer = {"rows": report.rows, "breaks": [asdict(one) for one in report.breaks]}
        run.answer(answer, text=lambda: _table(report))
        if report.breaks:
            raise typer.Exit(1)


def _table(report: "ChainReport") -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    if not report.breaks:
        return Text(f"whole: {report.rows:,} rows are as they were written, in their order, and none is missing.")
    n = len(report.breaks)
    told = [Text(f"  {one}") for one in report.breaks[:MOST_PRINTED]]
    if n > MOST_PRINTED:
        told.append(Text(f"  … and {n - MOST_PRINTED:,} more; all of them: pawl ledger verify --json"))
    first = Text(f"broken: {n:,} {'break' if n == 1 else 'breaks'} in {report.rows:,} rows.")
    return Group(first, *told, Text("Restore these rows from a backup, and find out who writes to this database."))
