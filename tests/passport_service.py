"""Passport over the small world: a service whose two users have decided a lot, asked through the real application."""

from datetime import timedelta
from pathlib import Path
from types import TracebackType

from passport_world import ME, NOW, OTHER, RULES, fill_world
from pawl.datasets.own_samples import OwnSamples
from pawl.jobs.live.rollout_rules import RolloutRules, RolloutWorld
from pawl.ledger.database import Ledger
from pawl.ledger.tokens import create_token
from pawl.serving.ab_test_routes import AbTests
from pawl.serving.app import create_app
from pawl.serving.passport_routes import LEARNING, passport_of
from serving_world import World

__all__ = ["PATHS", "PassportService"]

PATHS = [f"{LEARNING}/{name}" for name in ("status", "datasets", "evals")]


class PassportService(World):
    """users: beside those of World `me` and `other`, who own the rows of the small world."""

    def __init__(self, ledger: Ledger, home: Path) -> None:
        super().__init__(ledger)
        self.at = NOW
        self.passport = passport_of(self.service, RULES, OwnSamples(home))
        world = RolloutWorld(ledger=ledger, learner="m002", horizon=timedelta(days=1), rules=RolloutRules())
        self.app = create_app(self.service, self.passport, tests=AbTests(world_of=lambda name: world))
        self.users |= {"me": ME, "other": OTHER}
        with ledger.transaction() as tx:
            fill_world(tx, home)
            for name in ("me", "other"):
                create_token(tx, f"pawl_{name}", self.users[name], name, NOW)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.passport.reports.close()
        super().__exit__(kind, error, tb)
