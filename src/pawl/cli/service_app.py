"""The HTTP application of a workspace, as `pawl serve` and `pawl up` serve it."""

from contextlib import ExitStack

from fastapi import FastAPI

from pawl.cli.composition import learner_named, rollout_world_of
from pawl.datasets.own_samples import OwnSamples
from pawl.jobs.learning_status import PassportRules
from pawl.jobs.market_watch import MarketWatch, SilverMarket
from pawl.jobs.workspace import Workspace
from pawl.ledger.database import Ledger
from pawl.ledger.group_writer import GroupWriter
from pawl.ledger.inference_writer import InferenceWriter
from pawl.serving.ab_test_routes import AbTests
from pawl.serving.app import create_app
from pawl.serving.live_routes import LiveSide
from pawl.serving.model_shelf import ModelShelf
from pawl.serving.passport_routes import passport_of
from pawl.serving.predictor import Predictor
from pawl.serving.service import Clocks, service_of
from pawl.settings import Settings

__all__ = ["service_app"]


def service_app(
    settings: Settings, ledger: Ledger, clocks: Clocks, stack: ExitStack, live: LiveSide | None = None
) -> FastAPI:
    """Everything that Pawl serves. stack: closes the writers, once the server has ended."""
    workspace = Workspace.at(settings.home, ledger)
    writer = stack.enter_context(GroupWriter(ledger, clocks.now))
    inferences = stack.enter_context(InferenceWriter(ledger))
    market = MarketWatch(SilverMarket(workspace.silver))
    service = service_of(ledger, writer, market, clocks, settings.server)
    rules = PassportRules(
        behaviour=settings.behaviour, passport=settings.passport, schedules=settings.workers.named_schedules()
    )
    passport = passport_of(service, rules, OwnSamples(settings.home))
    stack.enter_context(passport.reports)
    shelf = ModelShelf(workspace, lambda name: learner_named(name, settings))
    return create_app(
        service,
        passport,
        live=live,
        tests=AbTests(world_of=lambda name: rollout_world_of(name, settings, ledger)),
        predictor=Predictor(ledger, shelf, inferences, clocks),
    )
