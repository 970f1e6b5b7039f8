"""What every command shares: the workspace, the way it prints, and how an error leaves."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click
import typer

from pawl.errors import PawlError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress

    from pawl.settings import Settings

__all__ = ["HomeOption", "JsonOption", "Session", "session"]

HomeOption = Annotated[
    Path | None, typer.Option("--home", metavar="DIR", help="The workspace (default: $PAWL_HOME, else ./pawl-home).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; logs stay on stderr.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of a command: where it works, and how it speaks."""

    home: Path
    is_json: bool
    settings: "Settings"
    stdout: "Console"
    stderr: "Console"

    def answer(self, payload: object, *, text: Callable[[], "RenderableType"]) -> None:
        """Print the answer: `payload` as one JSON object with --json, else what `text` renders."""
        if self.is_json:
            sys.stdout.write(json.dumps(payload, allow_nan=False) + "\n")
        else:
            self.stdout.print(text())

    def progress(self) -> "Progress":
        """A live progress display on stderr; silent where nobody watches."""
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        return Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            console=self.stderr,
            disable=not self.stderr.is_terminal,
        )


@contextmanager
def session(home: Path | None, *, is_json: bool) -> Iterator[Session]:
    """Open the workspace for a command; a PawlError inside is printed in one piece and becomes the exit code.

    `--home` and `--json` may stand before the command's name as well as behind it.
    """
    root = click.get_current_context().find_root().params
    is_json = is_json or bool(root.get("is_json"))
    try:
        yield _open(home or root.get("home"), is_json=is_json)
    except PawlError as error:
        _print_error(error, is_json=is_json)
        raise typer.Exit(error.exit_code) from error


def _open(home: Path | None, *, is_json: bool) -> Session:
    from rich.console import Console

    from pawl.settings import load_settings

    settings = load_settings(home)
    return Session(
        home=settings.home,
        is_json=is_json,
        settings=settings,
        stdout=Console(soft_wrap=True),
        stderr=Console(stderr=True),
    )


def _print_error(error: PawlError, *, is_json: bool) -> None:
    if is_json:
        body = {"code": error.code, "what": error.what, "where": error.where, "fix": error.fix}
        sys.stdout.write(json.dumps({"error": body}) + "\n")
    else:
        sys.stderr.write(f"error: {error.what}\n  where: {error.where}\n  fix:   {error.fix}\n")
