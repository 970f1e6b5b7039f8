"""A replay by the calendar whose versions are of paper: nothing is trained, and each says what it is told to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from ledger_world import trained, verdict
from pawl.evaluation.costs import Costs
from pawl.gates.ab_test import AbSettings
from pawl.gates.policy_gate import GateSettings
from pawl.ids import DatasetHash, ModelVersion
from pawl.jobs import cadence_replay
from pawl.jobs.cadence_journal import Journal
from pawl.jobs.cadence_market import Segment, outcomes_of
from pawl.jobs.cadence_plan import Event
from pawl.jobs.cadence_replay import CadenceOrder, CadenceRun, ReplayTrainingWorld, play_cadence
from pawl.jobs.live.training_world import Surroundings
from pawl.jobs.workspace import Workspace
from pawl.labels.reversal import label_reversals
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import Move, promote
from pawl.ledger.evaluations import NewEvaluation, record_evaluation
from pawl.ledger.model_versions import champion
from pawl.market.limits import QualityLimits
from reversal_market import fx_bars, small_reversal

__all__ = ["BEGAN", "FIRST", "SECOND", "THIRD", "WEEK", "PaperCadence", "say"]

FIRST, SECOND, THIRD = (ModelVersion(f"reversal-3.{minor}") for minor in (3, 4, 5))
BEGAN = datetime(2025, 3, 9, 1, tzinfo=UTC)
"""A Sunday: the first week of bars has closed."""
WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)


def say(bars: pl.DataFrame, kind: str) -> pl.DataFrame:
    """What somebody says of every bar who knows what comes of it. kind: the outcome that is sought; none of them holds
    always.
    """
    atr = label_reversals(bars).select("ticker", "ts", "atr_14")
    known = outcomes_of(bars).join(bars.select("ticker", "ts", "available_at"), on=["ticker", "ts"])
    signal = (
        pl.when(pl.col("buy_outcome") == kind)
        .then(pl.lit("buy"))
        .when(pl.col("sell_outcome") == kind)
        .then(pl.lit("sell"))
        .otherwise(pl.lit("hold"))
    )
    known = known.join(atr, on=["ticker", "ts"]).sort("ticker", "ts")
    said = {"signal": signal, "turn_prob": pl.lit(0.6), "reason": pl.lit(None, pl.String)}
    return known.select("ticker", "ts", "available_at", "atr_14", **said)


@dataclass
class PaperCadence:
    """kinds: which outcome each version seeks. refused: versions that their gate refuses. asked: at each daily update,
    whether a test ran.
    """

    home: Path
    kinds: Mapping[str, str]
    refused: frozenset[str] = frozenset()
    asked: list[bool] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bars = fx_bars(1400)
        self.workspace = Workspace.at(self.home)
        self.said = {name: say(self.bars, kind) for name, kind in self.kinds.items()}

    @property
    def ledger(self) -> Ledger:
        """Of the replay."""
        return self.workspace.versions.ledger

    def play(self, monkeypatch: pytest.MonkeyPatch, weeks: int) -> CadenceRun:
        """The first version, then one a week, and an update an hour later."""
        monkeypatch.setattr(cadence_replay, "train_full", self._train)
        monkeypatch.setattr(cadence_replay, "update_daily_version", self._update)
        monkeypatch.setattr(cadence_replay, "said_in", self._said)
        monkeypatch.setattr(cadence_replay._Player, "_model", lambda player, version: version)
        monkeypatch.setattr(cadence_replay._Player, "_always_update", lambda player, at: None)
        return play_cadence(self.world, self.order(weeks), self.bars, Journal(self.home / "journal.jsonl"))

    @property
    def world(self) -> ReplayTrainingWorld:
        """What a replay works on."""
        return ReplayTrainingWorld(
            workspace=self.workspace, learner=small_reversal(), tickers=("EURUSD", "USDJPY"), costs=Costs(),
            limits=QualityLimits(), seed=7, n_jobs=1,
        )  # fmt: skip

    def order(self, weeks: int) -> CadenceOrder:
        """From two days before the first Sunday to two days behind the last."""
        sundays = [BEGAN + WEEK * n for n in range(weeks)]
        due = [event for at in sundays for event in (Event(at, 1, "weekly"), Event(at + HOUR, 2, "daily"))]
        return CadenceOrder(
            start=BEGAN - 48 * HOUR, end=sundays[-1] + 48 * HOUR, events=tuple(due), gate=GateSettings(),
            ab_test=AbSettings(), proved_on=DatasetHash("d" * 64),
        )  # fmt: skip

    def _train(self, world: Any, around: Surroundings, at: datetime, cause: str) -> SimpleNamespace:
        version = ModelVersion(f"reversal-3.{3 + len(self.made)}")
        self.made.append(version)
        passes = version not in self.refused
        with self.ledger.transaction() as tx:
            serving = champion(tx, "reversal")
            trained(tx, version)
            found = verdict(passes=passes, is_first=serving is None)
            new = NewEvaluation(version=version, baseline=serving, verdict=found, figures={})
            report = record_evaluation(tx, new, at)
            if serving is None:
                promote(tx, version, report.eval_id, Move(by="test", reason="first", at=at))
        if serving is not None and passes:
            around.begin_rollout(version, at)
        told = {"version": version, "verdict": "pass" if passes else "fail"}
        return SimpleNamespace(told=lambda: told)

    def _update(self, world: Any, around: Surroundings, at: datetime) -> SimpleNamespace:
        self.asked.append(around.has_running_test(None, "reversal"))  # type: ignore[arg-type]
        return SimpleNamespace(told=lambda: {"skipped": "on paper"})

    def _said(self, learner: Any, model: str, bars: pl.DataFrame, segment: Segment) -> pl.DataFrame:
        return self.said[model].filter(segment.holds())
