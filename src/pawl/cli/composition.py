"""From the settings to what the jobs take: learners as configured, and how reports are made."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from pawl.ids import ModelVersion
from pawl.jobs.learners import find_learner
from pawl.jobs.ledgers import ledger_of
from pawl.jobs.live.rollout_rules import RolloutRules, RolloutWorld
from pawl.jobs.reported_backtest import Reporting
from pawl.jobs.verdicts import Terms, judge_version
from pawl.jobs.worker_role import World
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.learners.m002 import M002
from pawl.learners.reversal import Reversal
from pawl.ledger.database import Ledger
from pawl.ledger.evaluations import EvaluationReport
from pawl.ledger.trigger_firings import is_paused
from pawl.settings import Settings

__all__ = [
    "config_of",
    "learner_named",
    "reporting_of",
    "rollout_rules_of",
    "rollout_world_of",
    "settings_hash",
    "terms_of",
    "workspace_of",
    "world_of",
]


def learner_named(name: str, settings: Settings) -> Learner[Any]:
    """A shipped learner as configured, or a user's own; NotFoundError lists the known ones."""
    shipped: dict[str, Learner[Any]] = {"m002": M002(settings.m002), "reversal": Reversal(settings.reversal)}
    return find_learner(name, shipped, settings.learners)


def config_of(name: str, settings: Settings) -> dict[str, Any]:
    """What a learner follows from beside its bars: its settings, or the bytes of a user's own file."""
    if name in settings.learners:
        return {"file_sha256": sha256(settings.learners[name].read_bytes()).hexdigest()}
    shipped = {"m002": settings.m002, "reversal": settings.reversal}
    return shipped[name].model_dump(mode="json") if name in shipped else {}


def terms_of(settings: Settings) -> Terms:
    """Under which terms versions are judged."""
    return Terms(costs=settings.costs, gate=settings.gate, seed=settings.seed)


def rollout_rules_of(settings: Settings) -> RolloutRules:
    """Under which rules candidates are rolled out."""
    return RolloutRules(
        rollout=settings.rollout,
        ab_test=settings.ab_test,
        sequence=settings.sequence,
        gate=settings.gate,
        is_paused=is_paused,
    )


def settings_hash(settings: Settings) -> str:
    """SHA-256 of all settings that a loop's decisions can follow from, so that a run is played under the same ones."""
    beside = {"home", "ledger_url", "redis_url", "n_jobs", "server", "events", "notices", "workers"}
    config = settings.model_dump(mode="json", exclude=beside | {"learners"})
    config["learners"] = {name: config_of(name, settings) for name in sorted(settings.learners)}
    return sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def rollout_world_of(name: str, settings: Settings, ledger: Ledger) -> RolloutWorld:
    """How the candidates of a learner are rolled out. One whose champion changed is judged by `pawl gate judge`."""
    learner = learner_named(name, settings)
    workspace = Workspace.at(settings.home, ledger)

    def judge_again(version: ModelVersion, at: datetime) -> EvaluationReport:
        return judge_version(workspace, learner, version, terms_of(settings), at)

    rules = replace(rollout_rules_of(settings), judge_again=judge_again)
    return RolloutWorld.of(ledger, learner.spec, rules)


def reporting_of(settings: Settings, now: datetime) -> Reporting:
    """How a report is made under these settings."""
    return Reporting(now=now, seed=settings.seed, limits=settings.quality)


def workspace_of(settings: Settings) -> Workspace:
    """The stores of the workspace, its versions in the ledger that the settings name; an empty one stays empty."""
    return Workspace.at(settings.home, None if settings.ledger_url is None else ledger_of(settings))


def world_of(settings: Settings) -> World:
    """What the workers of the workspace work on."""
    ledger = ledger_of(settings)
    return World(
        ledger=ledger,
        workspace=Workspace.at(settings.home, ledger),
        learner_named=lambda name: learner_named(name, settings),
        terms=terms_of(settings),
        costs=settings.costs,
        limits=settings.quality,
        seed=settings.seed,
        n_jobs=settings.n_jobs,
        passport=settings.passport,
        settings=settings.workers,
        now=lambda: datetime.now(UTC),
    )
