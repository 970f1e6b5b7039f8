"""Versions that serve, and a service that predicts with them: `tiny` on days, `rows` on ready features."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import sqlalchemy as sa

from ledger_world import GATE
from pawl.gates.figure import Figure
from pawl.gates.rollout_state import Rollout, Status
from pawl.ids import DatasetHash, ModelVersion
from pawl.jobs.workspace import Workspace
from pawl.learners.certificate import Certificate
from pawl.learners.learner import Learner
from pawl.learners.said import ReadyRows, Said
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.database import Ledger
from pawl.ledger.datasets import NewDataset
from pawl.ledger.deployments import Move, promote, roll_back
from pawl.ledger.evaluations import NewEvaluation, record_evaluation
from pawl.ledger.identity import identity
from pawl.ledger.inference_writer import InferenceWriter
from pawl.ledger.model_versions import champion
from pawl.ledger.rollouts import StoredRollout, open_rollout
from pawl.registry.versions import Claim, VersionRecord
from pawl.serving.app import create_app
from pawl.serving.model_shelf import ModelShelf
from pawl.serving.predictor import Predictor
from pawl.serving.service import Clocks
from serving_world import NOW, World
from tiny_learner import Shares, Tiny

__all__ = ["BAR", "PredictWorld", "ReadingTiny", "bars", "ready"]

CONTENT = DatasetHash("d" * 64)
BAR = datetime(2024, 2, 29, tzinfo=UTC)
"""The last day that had closed at NOW."""


class ReadingTiny(Tiny):
    """Tiny, which also reads its feature and one beside it where they stand ready."""

    def ready_rows(self, model: Shares) -> ReadyRows:
        """One row of two."""
        return ReadyRows(("ret_20", "vol_20"), 1)

    def say(self, model: Shares, rows: np.ndarray) -> Said:
        """The share of its side."""
        share = model.after_rise if rows[0, 0] > 0 else model.after_fall
        return Said(signal="long" if share > 0.5 else "flat", confidence=share)


class BarsAlone(Tiny):
    """Tiny under another name, which reads no ready features."""

    spec = Tiny.spec.__class__(**{**{f: getattr(Tiny.spec, f) for f in Tiny.spec.__slots__}, "name": "deaf"})


LEARNERS: Mapping[str, type[Tiny]] = {"tiny": ReadingTiny, "deaf": BarsAlone}


def bars(n_bars: int = 60, until: datetime = BAR, fall: float = 0.0) -> list[dict[str, Any]]:
    """Daily bars that rise by a half, the last of them at `until`; fall: each lies by so much below the one before."""
    step = 0.5 if not fall else -fall
    return [
        {
            "ts": (until - timedelta(days=n_bars - 1 - number)).isoformat(),
            "open": 100 + step * number,
            "high": 103 + step * number,
            "low": 97 + step * number,
            "close": 101 + step * number,
            "volume": 10.0,
        }
        for number in range(n_bars)
    ]


def ready(value: float = 0.1, at: datetime = BAR, **more: Any) -> dict[str, Any]:
    """A body with ready features."""
    return {"learner": "tiny", "ticker": "BTCUSDT", "features": [value, 0.2], "bar_timestamp": at.isoformat(), **more}


@dataclass
class Clock:
    """Seconds."""

    sec: float = 0.0


class PredictWorld(World):
    """A service with a predictor. shelf: what it has loaded."""

    def __init__(self, ledger: Ledger, home: Path, **settings: Any) -> None:
        super().__init__(ledger, **settings)
        self.workspace = Workspace.at(home, ledger)
        self.inferences = InferenceWriter(ledger)
        self.shelf = ModelShelf(self.workspace, self.learner_named)
        clocks = Clocks(now=lambda: self.at, monotonic=lambda: self.clock_sec)
        self.predictor = Predictor(ledger, self.shelf, self.inferences, clocks)
        self.app = create_app(self.service, predictor=self.predictor)

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self.inferences.close()

    def learner_named(self, name: str) -> Learner[Any]:
        """As the composition finds them."""
        from pawl.jobs.learners import find_learner

        return find_learner(name, {known: kind() for known, kind in LEARNERS.items()}, {})

    def trained(self, after_rise: float, after_fall: float = 0.2, learner: str = "tiny") -> ModelVersion:
        """A version of `tiny` that says these shares; it serves nobody yet."""
        saved = LEARNERS[learner]().save(Shares(after_rise, after_fall))
        files = {f"{learner}/{name}": content for name, content in saved.items()}
        dataset = NewDataset(
            learner=learner, content_hash=CONTENT, window_start=NOW, window_end=NOW, sample_count=1, filters={},
            quality_report={},
        )  # fmt: skip
        certificate = Certificate(
            dataset_hash=CONTENT, max_ts=NOW, max_t1=NOW, scored_from=NOW, first_allowed=NOW, seed=7, code="c",
            libraries={},
        )  # fmt: skip
        with self.workspace.versions.training(Claim(learner=learner, dataset=dataset, seed=7), NOW) as training:
            record = VersionRecord(
                version=training.version, learner=learner, artifact=self.workspace.artifacts.save(files),
                trained_at=NOW.isoformat(), tickers=("BTCUSDT",), certificate=certificate, metrics={}, baselines={},
            )  # fmt: skip
            self.workspace.versions.finish(training, record, NOW)
        return training.version

    def promoted(self, after_rise: float, learner: str = "tiny") -> ModelVersion:
        """A version that serves from now on."""
        version = self.trained(after_rise, learner=learner)
        with self.ledger.transaction() as tx:
            serving = champion(tx, learner)
            figures = {"gain": Figure(1.0, 50)}
            verdict = GATE.judge_first(figures) if serving is None else GATE.judge({}, figures)
            new = NewEvaluation(version=version, baseline=serving, verdict=verdict, figures={})
            report = record_evaluation(tx, new, self.at)
            promote(tx, version, report.eval_id, Move(by="test", reason="better", at=self.at))
        return version

    def rolled_back(self, to: ModelVersion) -> None:
        """The version before serves again."""
        with self.ledger.transaction() as tx:
            roll_back(tx, "tiny", "policy", to, Move(by="test", reason="worse", at=self.at))

    def tested(self, a: ModelVersion, b: ModelVersion, number: int = 1) -> UUID:
        """A test of two versions that runs, half and half."""
        test_id = identity("ab_test", number)
        row = {"id": test_id, "test_name": f"week {number}", "model_a_version": a, "model_b_version": b}
        with self.ledger.transaction() as tx:
            tx.execute(sa.insert(ab_tests).values(**row, start_date=self.at, learner="tiny"))
        return test_id

    def shared(self, champion: ModelVersion, candidate: ModelVersion, share: float) -> StoredRollout:
        """A rollout that runs, with this share for the candidate."""
        state = Rollout(
            plan="default", candidate=candidate, champion=champion, stage=1, entered_at=self.at, status=Status.RUNNING,
            reason="passed",
        )  # fmt: skip
        with self.ledger.transaction() as tx:
            return open_rollout(tx, "tiny", state, share)

    def stopped(self, test_id: UUID) -> None:
        """The test is stopped."""
        with self.ledger.transaction() as tx:
            tx.execute(sa.update(ab_tests).where(ab_tests.c.id == test_id).values(status="stopped", end_date=self.at))
