"""Writes docs/commands.md from the help texts, so that a command cannot be without a word in the documents."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup, TyperOption

from pawl.cli.main import app

__all__ = ["PAGE", "commands", "render"]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"
INTRO = """\
# Commands

Written by `make docs` from the help texts; do not edit by hand. `pawl COMMAND --help` prints the same.

Every command takes `--home DIR` (the workspace; else `$PAWL_HOME`, else `./pawl-home`) and `--json` (one object on
stdout; an error is `{"error": {"code", "what", "where", "fix"}}`), before its name or behind it. Dates are UTC;
`--from` is inclusive, `--to` exclusive.

| exit code | means |
| --- | --- |
| 0 | done |
| 1 | an honest "no": a proof or a check failed, a version or a range was refused |
| 2 | bad input: the error says what, where, and how to mend it |
| 3 | a fault in Pawl itself: the traceback is on stderr |
| 130 | stopped by Ctrl-C |
"""
EVERYWHERE = {"home", "is_json"}


def commands() -> dict[str, Any]:
    """Every command that does something, by what one types: `pawl data import`. Groups are not among them."""
    root: Any = typer.main.get_command(app)  # its class lies in a private module of Typer's
    return dict(_leaves(root, "pawl"))


def _leaves(command: Any, path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - as above
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            yield from _leaves(child, f"{path} {name}")
    else:
        yield path, command


def render() -> str:
    """The whole page."""
    return "\n".join([INTRO, *(_section(path, command) for path, command in commands().items())])


def _section(path: str, command: Any) -> str:  # noqa: ANN401 - as above
    arguments = [_argument(each) for each in command.params if not isinstance(each, TyperOption)]
    options = [each for each in command.params if isinstance(each, TyperOption) and each.name not in EVERYWHERE]
    lines = [f"## `{' '.join([path, *arguments])}`", "", inspect.cleandoc(command.help or ""), ""]
    if options:
        lines += ["| option | meaning |", "| --- | --- |", *map(_row, options), ""]
    return "\n".join(lines)


def _argument(argument: Any) -> str:  # noqa: ANN401 - as above
    name = argument.metavar or argument.name.upper()
    return name if argument.required else f"[{name}]"


def _row(option: TyperOption) -> str:
    is_valued = not getattr(option, "is_flag", False)
    value = f" {option.metavar or (option.name or '').upper()}" if is_valued else ""
    default = "" if option.default in (None, False, (), "") else f" Default: {option.default}."
    required = " Required." if option.required else ""
    name = f"{option.opts[0]}{value}".replace("|", "\\|")
    return f"| `{name}` | {option.help or ''}{default}{required} |"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
