"""The `pawl` command: every group of commands, hung on one tree, and the one way in and out."""

import inspect
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from pawl import __version__
from pawl.cli import data, dead_letters, features, learner, ledger, triggers
from pawl.cli.alias import promote, rollback
from pawl.cli.backtest import backtest
from pawl.cli.dataset import dataset_app
from pawl.cli.demo import demo
from pawl.cli.doctor import doctor
from pawl.cli.explain import explain
from pawl.cli.failure import INTERRUPTED, Failure, failure_of
from pawl.cli.monitor import monitor
from pawl.cli.relive import relive
from pawl.cli.replay import replay
from pawl.cli.report import report_app
from pawl.cli.rollout import rollout_app
from pawl.cli.serve import serve
from pawl.cli.session import HomeOption, JsonOption, RootOptions, remember_root_options
from pawl.cli.simulate import simulate_app
from pawl.cli.status import status
from pawl.cli.token import token_app
from pawl.cli.train import train
from pawl.cli.up import up
from pawl.cli.versions import gate_app, versions
from pawl.cli.worker import worker
from pawl.errors import PawlError

__all__ = ["app", "main", "run"]

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
    context: typer.Context,
    home: HomeOption = None,
    is_json: JsonOption = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Global options; each command takes --home and --json behind its own name too."""
    remember_root_options(RootOptions(home=home, is_json=is_json), context)


app.add_typer(data.app)
app.add_typer(gate_app)
app.add_typer(rollout_app)
app.add_typer(dataset_app)
app.add_typer(learner.app)
app.add_typer(ledger.app)
app.add_typer(features.app)
app.add_typer(simulate_app)
app.add_typer(dead_letters.app)
app.command()(worker)
app.add_typer(token_app)
app.add_typer(triggers.app)
app.add_typer(report_app)
app.command()(train)
app.command()(backtest)
app.command()(replay)
app.command()(status)
app.command()(monitor)
app.command()(versions)
app.command()(explain)
app.command()(promote)
app.command()(rollback)
app.command()(demo)
app.command()(doctor)
app.command()(serve)
app.command()(up)
app.command()(relive)


def main() -> None:
    """Run the command that the shell typed."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; every way a command can end passes here."""
    is_json = "--json" in arguments
    command: Any = typer.main.get_command(app)  # its class lies in a private module of Typer's
    _tidy_help(command)
    try:
        code = command.main(list(arguments), prog_name="pawl", standalone_mode=False)
    except typer.TyperException as error:
        failure = _failure_of_usage(error)
        return _end(failure, is_json=is_json) if failure.what else 2  # without a word: the help was printed instead
    except PawlError as error:
        return _end(failure_of(error), is_json=is_json)
    except Exception as error:  # noqa: BLE001 - the outermost frame: a fault of ours is shown whole, never hidden
        traceback.print_exc()
        return _end(_failure_of_ours(error), is_json=is_json)
    if code == INTERRUPTED.exit_code:
        return _end(INTERRUPTED, is_json=is_json)
    return code or 0


def _end(failure: Failure, *, is_json: bool) -> int:
    failure.tell(is_json=is_json)
    return failure.exit_code


def _failure_of_usage(error: typer.TyperException) -> Failure:
    context: typer.Context | None = getattr(error, "ctx", None)
    path = context.command_path if context else "pawl"
    return Failure(code="bad_usage", what=error.format_message(), where=path, fix=f"see {path} --help", exit_code=2)


def _failure_of_ours(error: Exception) -> Failure:
    return Failure(
        code="internal",
        what=f"{type(error).__name__}: {error}",
        where="the traceback on stderr",
        fix="this is a fault in Pawl, not in the input: report it with the traceback",
        exit_code=3,
    )


def _tidy_help(command: TyperCommand | TyperGroup) -> None:
    """A paragraph flows into the terminal's width, and not as it was written in the source. A flag takes no value, so
    its help shows none (Typer prints `<bool>`).
    """
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(one.split()) for one in paragraphs)
    for option in [*command.params, command.get_help_option(typer.Context(command))]:
        if option is not None and getattr(option, "is_flag", False):  # an argument has no such attribute
            option.metavar = ""
    children: Any = command.commands.values() if isinstance(command, TyperGroup) else ()
    for child in children:
        _tidy_help(child)
