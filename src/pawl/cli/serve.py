"""`pawl serve`: the HTTP service of a workspace."""

from contextlib import ExitStack, closing
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.session import HomeOption, JsonOption, session

if TYPE_CHECKING:
    from pawl.cli.session import Session

__all__ = ["serve"]


def serve(
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Address to listen on (default: server.host).")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65_535, metavar="N", help="Port, 0 for a free one (server.port).")
    ] = None,
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Take users' actions in over HTTP until stopped; exit code 1 for a public address while no token exists."""
    with session(home, is_json=is_json) as run:
        from pawl.cli.service_app import service_app
        from pawl.jobs.ledgers import ledger_of
        from pawl.serving.edge import log_to_stderr
        from pawl.serving.server import listening, require_token, serve_until_stopped
        from pawl.serving.service import Clocks

        address = host or run.settings.server.host
        clocks = Clocks(now=lambda: datetime.now(UTC), monotonic=monotonic)
        with closing(ledger_of(run.settings)) as ledger:
            require_token(ledger, address)
            with (
                listening(address, run.settings.server.port if port is None else port) as own,
                ExitStack() as stack,
            ):
                app = service_app(run.settings, ledger, clocks, stack)
                log_to_stderr()
                _announce(run, address, own.getsockname()[1])
                serve_until_stopped(app, own)
        run.stderr.print("stopped; everything that was taken in is written", highlight=False)


def _announce(run: "Session", host: str, port: int) -> None:
    import sys

    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{port}"
    run.answer({"url": url}, text=lambda: f"{url} takes requests; end with Ctrl-C. Who may ask: pawl token ls")
    sys.stdout.flush()  # whoever reads a pipe waits for this line
