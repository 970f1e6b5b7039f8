"""The settings tree: composed of each room's own small values, read once, from `settings.toml` and the environment."""

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from pawl.datasets.passport_settings import PassportSettings
from pawl.errors import SettingsError
from pawl.evaluation.behaviour_settings import BehaviourSettings
from pawl.evaluation.costs import Costs
from pawl.events.event_settings import URL_VARIABLE as REDIS_VARIABLE
from pawl.events.event_settings import EventSettings
from pawl.events.notice_settings import NoticeSettings
from pawl.gates.ab_test import AbSettings
from pawl.gates.policy_gate import GateSettings
from pawl.gates.rollout_plan import RolloutSettings
from pawl.gates.sequence_config import SequenceSettings
from pawl.jobs.ledger_place import URL_VARIABLE
from pawl.jobs.live.live_settings import LiveSettings
from pawl.jobs.live.monthly_settings import MonthlySettings
from pawl.jobs.worker_settings import WorkerSettings
from pawl.learners.m002_config import M002Config
from pawl.learners.reversal_config import ReversalConfig
from pawl.market.limits import QualityLimits
from pawl.serving.server_settings import ServerSettings
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["Settings", "load_settings", "workspace_root"]

HOME_VARIABLE = "PAWL_HOME"
DEFAULT_HOME = Path("pawl-home")
SECRETS = {"ledger_url": URL_VARIABLE, "redis_url": REDIS_VARIABLE}
"""Keys that come from the environment alone → the variable."""


class Settings(BaseModel):
    """Everything that can be set. A key that does not stand here stops the start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(DEFAULT_HOME, description="the workspace: silver bars, artifacts, reports")
    ledger_url: SecretStr | None = Field(None, description="the ledger's database; without it SQLite in the workspace")
    redis_url: SecretStr | None = Field(None, description="the Redis of the event bus, where `events.bus` is redis")
    n_jobs: int = Field(2, ge=1, le=256, description="worker processes for folds, tickers and windows, count")
    seed: int = Field(7, ge=0, lt=2**31, description="the seed everything random follows from")
    costs: Costs = Field(default_factory=Costs, description="what trading costs in every backtest")
    quality: QualityLimits = Field(default_factory=QualityLimits, description="what stops training on a ticker")
    gate: GateSettings = Field(default_factory=GateSettings, description="how strict the offline gate is")
    sequence: SequenceSettings = Field(
        default_factory=SequenceSettings, description="the paired test of a candidate in shadow"
    )
    rollout: RolloutSettings = Field(
        default_factory=RolloutSettings, description="how slowly a candidate is let in, and what stops it"
    )
    ab_test: AbSettings = Field(default_factory=AbSettings, description="when an A/B test has a winner")
    triggers: TriggerSettings = Field(
        default_factory=TriggerSettings, description="what sets off a training that no schedule asks for"
    )
    m002: M002Config = Field(default_factory=M002Config, description="the learner m002")
    passport: PassportSettings = Field(
        default_factory=PassportSettings, description="how users' decisions are scored, labelled and learnt from"
    )
    workers: WorkerSettings = Field(default_factory=WorkerSettings, description="how the workers work, and what when")
    behaviour: BehaviourSettings = Field(
        default_factory=BehaviourSettings, description="which habits Passport calls a weakness"
    )
    server: ServerSettings = Field(default_factory=ServerSettings, description="the HTTP service")
    reversal: ReversalConfig = Field(default_factory=ReversalConfig, description="the learner reversal")
    live: LiveSettings = Field(default_factory=LiveSettings, description="the live loop")
    events: EventSettings = Field(default_factory=EventSettings, description="how the loop's events travel")
    notices: NoticeSettings = Field(
        default_factory=NoticeSettings, description="who is told what by Discord and others"
    )
    monthly: MonthlySettings = Field(
        default_factory=MonthlySettings, description="how versions are compared and given up once a month"
    )
    learners: dict[str, Path] = Field(
        default_factory=dict, description="your own learners: name → Python file that defines learner()"
    )


def workspace_root(home: Path | None) -> Path:
    """Where the workspace lies: the --home option; without it PAWL_HOME, then `./pawl-home`."""
    return home or Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME)


def load_settings(home: Path | None) -> Settings:
    """The settings of a workspace: `settings.toml` in it, where there is one, over the defaults.

    home: as `workspace_root` takes it. SettingsError names the key that is unknown or out of its bounds. The ledger's
    database comes from the environment alone.
    """
    root = workspace_root(home)
    path = root / "settings.toml"
    values: dict[str, Any] = _read(path) if path.exists() else {}
    if "home" in values:
        raise SettingsError(
            "settings key `home`: the workspace cannot be named in a file inside it",
            where=str(path),
            fix=f"take the line out, and give --home or {HOME_VARIABLE}",
        )
    for key, variable in SECRETS.items():
        if key in values:
            raise SettingsError(
                f"settings key `{key}`: a secret does not belong in a file",
                where=str(path),
                fix=f"take the line out, and set {variable} in the environment",
            )
    secrets = {key: os.environ.get(variable) or None for key, variable in SECRETS.items()}
    try:
        return Settings.model_validate({**values, "home": root, **secrets})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"settings key `{key}`: {first['msg'].lower()}", where=str(path), fix="see docs/settings.md for the keys"
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"not valid TOML: {error}", where=str(path), fix="mend the line it names") from error
