"""`pawl learner`: does a learner keep the contract?"""

from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.session import HomeOption, JsonOption, session

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["app"]

app = typer.Typer(name="learner", help="Learners: the shipped ones and your own.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Learners: the shipped ones and your own."""


@app.command()
def check(
    learner: Annotated[str, typer.Argument(metavar="LEARNER", help="m002, reversal, or one named in the settings.")],
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Try every promise of the contract on the simulated market; exit code 1 when one is broken."""
    with session(home, is_json=is_json) as run:
        from pawl.cli.composition import learner_named
        from pawl.jobs.contract import check_contract

        chosen = learner_named(learner, run.settings)
        with run.stages() as on_stage:
            broken = check_contract(chosen, run.settings.seed, on_stage)
        run.answer({"learner": learner, "ok": not any(broken.values()), "checks": broken}, text=lambda: _text(broken))
        if any(broken.values()):
            raise typer.Exit(1)


def _text(broken: "dict[str, str | None]") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("check", no_wrap=True)
    table.add_column("")
    for name, what in broken.items():
        table.add_row(name, Text("kept") if what is None else Text(f"BROKEN: {what}", style="bold red"))
    return table
