"""`pawl serve`: the HTTP service of a workspace."""

from contextlib import closing
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
        from pawl.cli.composition import learner_named, rollout_world_of
        from pawl.datasets.own_samples import OwnSamples
        from pawl.jobs.learning_status import PassportRules
        from pawl.jobs.ledgers import ledger_of
        from pawl.jobs.market_watch import MarketWatch, SilverMarket
        from pawl.jobs.workspace import Workspace
        from pawl.lake.silver import SilverStore
        from pawl.ledger.group_writer import GroupWriter
        from pawl.ledger.inference_writer import InferenceWriter
        from pawl.serving.ab_test_routes import AbTests
        from pawl.serving.app import create_app
        from pawl.serving.edge import log_to_stderr
        from pawl.serving.model_shelf import ModelShelf
        from pawl.serving.passport_routes import passport_of
        from pawl.serving.predictor import Predictor
        from pawl.serving.server import listening, require_token, serve_until_stopped
        from pawl.serving.service import Clocks, service_of

        address = host or run.settings.server.host
        clocks = Clocks(now=lambda: datetime.now(UTC), monotonic=monotonic)
        market = MarketWatch(SilverMarket(SilverStore(run.settings.home)))
        with closing(ledger_of(run.settings)) as ledger:
            require_token(ledger, address)
            with (
                listening(address, run.settings.server.port if port is None else port) as own,
                GroupWriter(ledger, clocks.now) as writer,
                InferenceWriter(ledger) as inferences,
            ):
                service = service_of(ledger, writer, market, clocks, run.settings.server)
                rules = PassportRules(
                    behaviour=run.settings.behaviour,
                    passport=run.settings.passport,
                    schedules=run.settings.workers.named_schedules(),
                )
                workspace = Workspace.at(run.settings.home, ledger)
                shelf = ModelShelf(workspace, lambda name: learner_named(name, run.settings))
                predictor = Predictor(ledger, shelf, inferences, clocks)
                passport = passport_of(service, rules, OwnSamples(run.settings.home))
                with passport.reports:
                    log_to_stderr()
                    _announce(run, address, own.getsockname()[1])
                    tests = AbTests(world_of=lambda name: rollout_world_of(name, run.settings, ledger))
                    serve_until_stopped(create_app(service, passport, tests=tests, predictor=predictor), own)
        run.stderr.print("stopped; everything that was taken in is written", highlight=False)


def _announce(run: "Session", host: str, port: int) -> None:
    import sys

    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{port}"
    run.answer({"url": url}, text=lambda: f"{url} takes requests; end with Ctrl-C. Who may ask: pawl token ls")
    sys.stdout.flush()  # whoever reads a pipe waits for this line
