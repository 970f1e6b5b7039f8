"""`pawl dead-letters`: what kept failing, and another try for it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from pawl.cli.session import HomeOption, JsonOption, session
from pawl.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.ledger.dead_letters import Letter

__all__ = ["app"]

app = typer.Typer(name="dead-letters", help="What the workers gave up on.", no_args_is_help=True)


@app.callback()
def dead_letters() -> None:
    """What the workers gave up on."""


@app.command("ls")
def ls(
    is_all: Annotated[bool, typer.Option("--all", help="Those that were retried, too.")] = False,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """List what is parked: on what, why, and after how many tries."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.ledgers import open_ledger
        from pawl.ledger.dead_letters import list_letters

        with open_ledger(run.settings, None).reading() as tx:
            letters = list_letters(tx, None if is_all else "parked")
        run.answer([_payload(one) for one in letters], text=lambda: _table(letters))


@app.command("retry")
def retry(
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="Of a parked letter; see pawl dead-letters ls.")],
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Let a parked item be tried again from the start; exit code 1 when it was let go already."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.ledgers import open_ledger
        from pawl.jobs.parked import retry_letter

        try:
            wanted = UUID(letter_id)
        except ValueError:
            raise InputError(f"`{letter_id}` is no id", where="ID", fix="list them: pawl dead-letters ls") from None
        with open_ledger(run.settings, None).transaction() as tx:
            letter = retry_letter(tx, wanted, datetime.now(UTC))
        run.answer(
            _payload(letter),
            text=lambda: f"{letter.worker} tries {letter.item_id} again at its next look.\nNext: pawl worker",
        )


def _payload(letter: "Letter") -> dict[str, object]:
    return {
        "letter_id": str(letter.letter_id),
        "worker": letter.worker,
        "item_id": letter.item_id,
        "error": letter.error,
        "attempts": letter.attempts,
        "status": letter.status,
        "created_at": letter.created_at.isoformat(),
        "updated_at": letter.updated_at.isoformat(),
    }


def _table(letters: "list[Letter]") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    if not letters:
        return "nothing is parked."
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("id", "worker", "item", "tries", "status", "error"):
        table.add_column(name, no_wrap=name != "error")
    for one in letters:
        cells = (str(one.letter_id), one.worker, one.item_id, str(one.attempts), one.status, one.error)
        table.add_row(*(Text(cell) for cell in cells))
    return table
