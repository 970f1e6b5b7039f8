"""What every command shares: the workspace, the way it prints, and how an error leaves."""

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.failure import failure_of
from pawl.errors import PawlError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress, TaskID

    from pawl.settings import Settings

__all__ = ["HomeOption", "JsonOption", "RootOptions", "Session", "remember_root_options", "session"]

HomeOption = Annotated[
    Path | None, typer.Option("--home", metavar="DIR", help="The workspace (default: $PAWL_HOME, else ./pawl-home).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout; logs stay on stderr.")]

# Where nobody watches, a table is as wide as its columns ask for; 80 columns would cut it.
WIDTH_IN_A_PIPE = 160
WIDEST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RootOptions:
    """The options that stood before the command's name: `pawl --json data ls`."""

    home: Path | None = None
    is_json: bool = False


_NOTHING_BEFORE_THE_NAME = RootOptions()
_root_options: ContextVar[RootOptions] = ContextVar("_root_options", default=_NOTHING_BEFORE_THE_NAME)


def remember_root_options(options: RootOptions, context: typer.Context) -> None:
    """Keep the options of the root for the command that follows, until that command has ended."""
    token = _root_options.set(options)
    context.call_on_close(lambda: _root_options.reset(token))


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of a command: where it works, and how it speaks."""

    home: Path
    is_json: bool
    settings: "Settings"
    stdout: "Console"
    stderr: "Console"

    def answer(self, payload: object, *, text: Callable[[], "RenderableType"]) -> None:
        """Print the answer: `payload` as one JSON object with --json, else what `text` renders.

        NaN and the infinities, which JSON does not have, leave as null.
        """
        if self.is_json:
            sys.stdout.write(json.dumps(_without_nan(payload), allow_nan=False) + "\n")
        else:
            _print_whole(self.stdout, text())

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
    def stages(self) -> Iterator[Callable[[str, float], None]]:
        """Progress through named stages: a bar each where somebody watches, else one line a stage on stderr."""
        with self.progress() as progress:
            bars: dict[str, TaskID] = {}

            def show(stage: str, fraction: float) -> None:
                if stage not in bars:
                    for before in bars.values():  # one follows the other, and few tell of their end
                        progress.update(before, completed=1.0)
                    bars[stage] = progress.add_task(stage, total=1.0)
                    if not self.stderr.is_terminal:
                        self.stderr.print(f"{stage} ...", highlight=False)
                progress.update(bars[stage], completed=fraction)

            yield show
            for bar in bars.values():
                progress.update(bar, completed=1.0)


@contextmanager
def session(
    home: Path | None, *, is_json: bool, load: Callable[[Path | None], "Settings"] | None = None
) -> Iterator[Session]:
    """Open the workspace for a command; a PawlError inside is printed in one piece and becomes the exit code.

    `--home` and `--json` may stand before the command's name as well as behind it.
    load: how the settings are read; `load_settings` unless a command bears settings that cannot be.
    """
    root = _root_options.get()
    is_json = is_json or root.is_json
    try:
        yield _open(home or root.home, is_json=is_json, load=load)
    except PawlError as error:
        failure = failure_of(error)
        failure.tell(is_json=is_json)
        raise typer.Exit(failure.exit_code) from error


def _open(home: Path | None, *, is_json: bool, load: Callable[[Path | None], "Settings"] | None) -> Session:
    from rich.console import Console

    from pawl.settings import load_settings

    settings = (load or load_settings)(home)
    return Session(
        home=settings.home,
        is_json=is_json,
        settings=settings,
        stdout=_console(),
        stderr=Console(stderr=True),
    )


def _console() -> "Console":
    from rich.console import Console

    # Rich colours parts of numbers and names, which says nothing: `reversal-3.3` in two colours.
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, soft_wrap=True, width=WIDTH_IN_A_PIPE)
    return console


def _print_whole(console: "Console", answer: "RenderableType") -> None:
    """Print an answer. No word and no figure in a table is cut: where a terminal is too narrow, its lines run over."""
    from rich.console import Group
    from rich.measure import Measurement
    from rich.table import Table

    unbound = console.options.update(max_width=WIDEST)
    for part in answer.renderables if isinstance(answer, Group) else [answer]:
        width, needed = console.width, 0
        if isinstance(part, Table):
            for column in part.columns:
                cells = [Measurement.get(console, unbound, cell) for cell in (column.header, *column.cells)]
                column.min_width = max(cell.maximum if column.no_wrap else cell.minimum for cell in cells)
                needed += column.min_width + sum(part.padding[1::2])
        console.width = max(width, needed)
        console.print(part, crop=False)
        console.width = width


def _without_nan(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value
