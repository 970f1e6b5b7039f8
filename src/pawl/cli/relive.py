"""`pawl relive`: a recorded run of the live loop, played again afresh, and whether it came out the same."""

from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.session import HomeOption, JsonOption, session
from pawl.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.cli.session import Session
    from pawl.jobs.live.run_facts import Facts
    from pawl.jobs.workspace import Workspace
    from pawl.ledger.database import Ledger

__all__ = ["relive", "where_they_part"]

BEFORE_IT, NEAR = 30, 110
"""How much of two rows is shown: before the first sign in which they differ, and in all; signs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """Which code lived a life, in its order, and which one played it."""

    lived: tuple[str, ...]
    played: str

    @property
    def is_same(self) -> bool:
        """Whether no other code had a part in it."""
        return set(self.lived) <= {self.played}


def relive(
    into: Annotated[
        Path | None, typer.Option("--into", metavar="DIR", help="A fresh workspace, kept (default: one for this run).")
    ] = None,
    learner: Annotated[
        str | None, typer.Option("--learner", help="Whose life, where several lived in the workspace.")
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            envvar="PAWL_RELIVE_DATABASE_URL",
            metavar="URL",
            help="An empty PostgreSQL database for its ledger (default: SQLite in the folder).",
        ),
    ] = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Play what `pawl up` recorded in a workspace again, and compare: the same decisions, outcomes, verdicts and moves.

    Exit code 1 where one row differs. What was received is read from the record, and trainings and operators' acts
    take effect behind the very run behind which they did.
    """
    with session(home, is_json=is_json) as run:
        from pawl.jobs.workspace import Workspace

        began = monotonic()
        if into is not None and into.exists() and any(into.iterdir()):
            raise InputError(f"{into} is not empty", where="--into", fix="name a folder that does not exist yet")
        with ExitStack() as stack:
            folder = into or Path(stack.enter_context(TemporaryDirectory(prefix="pawl-relive-")))
            fresh = stack.enter_context(closing(_empty(run, folder, database)))
            lived, played, codes = _both(run, Workspace.at(folder, fresh), learner)
        seconds = monotonic() - began
        same = {name: lived[name] == played[name] for name in lived}
        run.answer(_payload(lived, played, codes, seconds), text=lambda: _text(lived, played, codes, seconds))
        if not all(same.values()):
            raise typer.Exit(1)


def _empty(run: "Session", folder: Path, database: str | None) -> "Ledger":
    """The ledger to play in; InputError where something stands in it."""
    from pydantic import SecretStr

    from pawl.jobs.ledgers import ledger_of
    from pawl.ledger.model_versions import list_versions

    url = None if database is None else SecretStr(database)
    ledger = ledger_of(run.settings.model_copy(update={"home": folder, "ledger_url": url}))
    with ledger.reading() as tx:
        is_empty = not list_versions(tx)
    if not is_empty:
        ledger.close()
        raise InputError("versions stand in that database", where="--database", fix="name an empty one")
    return ledger


def _both(run: "Session", into: "Workspace", asked: str | None) -> "tuple[Facts, Facts, Codes]":
    """What the recorded run left, and what it left when it was played again into a fresh workspace; by which code."""
    from pawl.cli.relived_world import played_again
    from pawl.jobs.code_version import code_version
    from pawl.jobs.ledgers import open_ledger
    from pawl.jobs.live.recorded_run import learner_of
    from pawl.jobs.live.run_facts import codes_of

    with closing(open_ledger(run.settings, None)) as ledger:
        with ledger.reading() as tx:
            learner = learner_of(tx, asked)
            codes = Codes(lived=codes_of(tx, learner), played=code_version())
        with run.stages() as told:
            return *played_again(run.settings, ledger, learner, into, told), codes


def _payload(lived: "Facts", played: "Facts", codes: Codes, seconds: float) -> dict[str, object]:
    from pawl.jobs.live.run_facts import first_difference

    def one(name: str) -> dict[str, object]:
        ours, theirs = lived[name], played[name]
        different = first_difference(ours, theirs)
        return {
            "lived": {"n": ours.n, "sha256": ours.sha256},
            "played": {"n": theirs.n, "sha256": theirs.sha256},
            "is_identical": different is None,
            **({} if different is None else {"first_lived": different[0], "first_played": different[1]}),
        }

    return {
        "is_identical": all(lived[name] == played[name] for name in lived),
        "facts": {name: one(name) for name in lived},
        "code": {"lived": list(codes.lived), "played": codes.played, "is_same": codes.is_same},
        "seconds": round(seconds, 1),
    }


def _text(lived: "Facts", played: "Facts", codes: Codes, seconds: float) -> "RenderableType":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from pawl.jobs.live.run_facts import first_difference

    different = [name for name in lived if lived[name] != played[name]]
    answer = f"different: {', '.join(different)}" if different else "identical to the byte"
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("what", "lived", "played", "sha256 lived", "sha256 played", ""):
        table.add_column(name, justify="right" if name in ("lived", "played") else "left", no_wrap=True)
    for name, ours in lived.items():
        theirs = played[name]
        table.add_row(
            name,
            f"{ours.n:,}",
            f"{theirs.n:,}",
            ours.sha256[:16],
            theirs.sha256[:16],
            "" if ours == theirs else "DIFFERS",
        )
    other = [] if codes.is_same else [Text(_other_code(codes))]
    lines: list[RenderableType] = [Text(f"{answer} ({seconds:.1f} s)"), *other, table]
    for name in different[:3]:
        here, there = where_they_part(*(first_difference(lived[name], played[name]) or (None, None)))
        lines += [
            Text(f"{name}, where the first row that differs parts (whole with --json):"),
            Text(f"  lived   {here}"),
            Text(f"  played  {there}"),
        ]
    return Group(*lines)


def _other_code(codes: Codes) -> str:
    return (
        f"The life was lived by code {', then '.join(codes.lived)}; this is code {codes.played}. A version names the "
        "code that trained it: versions may differ for that reason."
    )


def where_they_part(here: str | None, there: str | None) -> tuple[str, str]:
    """Two rows around the first sign in which they differ; the whole of one that stands alone.

    >>> where_they_part("(1, 'a')", None), where_they_part("x" * 50 + "a", "x" * 50 + "b")[1]
    (("(1, 'a')", '–'), '…xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxb')
    """
    if here is None or there is None:
        return here or "–", there or "–"
    n_same = next((n for n, (one, other) in enumerate(zip(here, there, strict=False)) if one != other), len(here))
    start = max(0, n_same - BEFORE_IT)
    near = [text[start : start + NEAR] + ("…" if len(text) > start + NEAR else "") for text in (here, there)]
    lead = "…" if start else ""
    return lead + near[0], lead + near[1]
