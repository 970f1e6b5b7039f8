"""The `pawl` command: every group of commands, hung on one tree."""

from typing import Annotated

import typer

from pawl import __version__
from pawl.cli.session import HomeOption, JsonOption

__all__ = ["app", "main"]

app = typer.Typer(
    name="pawl",
    help="Keeps trading models learning from what really happened; a version trades only after it is measured better.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"pawl {__version__}")
        raise typer.Exit


@app.callback()
def root(
    home: HomeOption = None,
    is_json: JsonOption = False,
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_print_version)] = False,
) -> None:
    """Global options; each command takes --home and --json behind its own name too."""


def main() -> None:
    """Run the command."""
    app()
