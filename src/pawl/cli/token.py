"""`pawl token`: who may use the service. A token is shown once; the ledger keeps its hash."""

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from pawl.cli.session import HomeOption, JsonOption, session
from pawl.errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pawl.ledger.tokens import StoredToken

__all__ = ["token_app"]

token_app = typer.Typer(name="token", help="Tokens of the service: who may use it.", no_args_is_help=True)


@token_app.callback()
def token() -> None:
    """Tokens of the service: who may use it."""


@token_app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called in the list, like ann-laptop.")],
    user: Annotated[
        str | None, typer.Option("--user", metavar="UUID", help="Whom it acts as (default: a new pseudonym).")
    ] = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Make a token and show it, once and never again."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.ledgers import ledger_of
        from pawl.ledger.tokens import create_token
        from pawl.serving.fresh_secret import new_token, new_user_id

        user_id = new_user_id() if user is None else _user_id(user)
        secret = new_token()
        with closing(ledger_of(run.settings)) as ledger, ledger.transaction() as tx:
            token_id = create_token(tx, secret, user_id, name, datetime.now(UTC))
        payload = {"token": secret, "token_id": str(token_id), "user_id": str(user_id), "name": name}
        run.answer(
            payload,
            text=lambda: (
                f"{secret}\nIt acts as the user {user_id}, and is shown this once: the ledger keeps its hash.\n"
                f"End it: pawl token revoke {name}"
            ),
        )


@token_app.command("ls")
def list_all(home: HomeOption = None, is_json: JsonOption = False) -> None:
    """List every token there ever was, and whether it holds."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.ledgers import has_ledger, ledger_of
        from pawl.ledger.tokens import list_tokens

        found: list[StoredToken] = []
        if has_ledger(run.settings):
            with closing(ledger_of(run.settings)) as ledger, ledger.reading() as tx:
                found = list_tokens(tx)
        run.answer([_row(one) for one in found], text=lambda: _table(found))


@token_app.command()
def revoke(
    named: Annotated[str, typer.Argument(metavar="TOKEN", help="Its name or its id; not the token itself.")],
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """End a token; servers that run refuse it within seconds (server.token_cache_sec)."""
    with session(home, is_json=is_json) as run:
        from pawl.jobs.ledgers import ledger_of
        from pawl.ledger.tokens import revoke_token

        with closing(ledger_of(run.settings)) as ledger, ledger.transaction() as tx:
            ended = revoke_token(tx, named, datetime.now(UTC))
        within = run.settings.server.token_cache_sec
        run.answer(
            _row(ended), text=lambda: f"{ended.name} has ended; a running server refuses it within {within:g} s."
        )


def _user_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InputError(
            "this is no user id", where="--user", fix="give the UUID that `pawl token ls` shows, or none for a new user"
        ) from None


def _row(one: "StoredToken") -> dict[str, object]:
    return {
        "name": one.name,
        "token_id": str(one.token_id),
        "user_id": str(one.user_id),
        "created_at": one.created_at.isoformat(),
        "revoked_at": one.revoked_at.isoformat() if one.revoked_at else None,
    }


def _table(found: "list[StoredToken]") -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    if not found:
        return "no token was ever made here. Next: pawl token create NAME"
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("name", "user", "made, UTC", "ended, UTC"):
        table.add_column(name, no_wrap=True)
    for one in found:
        ended = f"{one.revoked_at:%Y-%m-%d %H:%M}" if one.revoked_at else "–"
        table.add_row(Text(one.name), str(one.user_id), f"{one.created_at:%Y-%m-%d %H:%M}", ended)
    return table
