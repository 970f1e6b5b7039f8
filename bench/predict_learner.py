"""The learner that bench/predict.py serves: one LightGBM model of ready features, in a workspace of its own.

600 trees of 15 leaves, as m002's heads are grown by default, over the 38 features of `reversal`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from pawl.features.sets import FEATURE_SETS
from pawl.gates.condition import Floor
from pawl.gates.figure import Figure
from pawl.gates.gate import Gate
from pawl.ids import DatasetHash
from pawl.jobs.workspace import Workspace
from pawl.learners.certificate import Certificate
from pawl.learners.learner import Fit, FitContext, LearnerSpec
from pawl.learners.said import ReadyRows, Said
from pawl.ledger.datasets import NewDataset
from pawl.ledger.deployments import Move, promote
from pawl.ledger.evaluations import NewEvaluation, record_evaluation
from pawl.market.bars import Timeframe
from pawl.models.head_config import HeadConfig
from pawl.models.trees import Trees
from pawl.registry.versions import Claim, VersionRecord

NAMES = FEATURE_SETS["reversal"].names
NOW = datetime(2024, 1, 1, tzinfo=UTC)


class Bench:
    """A rise or none, by one model."""

    spec = LearnerSpec(
        name="bench", timeframe=Timeframe.parse("15m"), feature_set=FEATURE_SETS["reversal"], foresees="a rise",
        horizon_bars=1, embargo_bars=1, min_bars=1, cadence=timedelta(days=7), primary_metric="net_return",
    )  # fmt: skip

    def label(self, bars: pl.DataFrame) -> pl.DataFrame:
        """Not asked for."""
        raise AssertionError("never asked")

    def fit(self, bars: pl.DataFrame, context: FitContext) -> Fit[Trees]:
        """Not asked for."""
        raise AssertionError("never asked")

    def predict(self, model: Trees, bars: pl.DataFrame, since: datetime | None = None) -> pl.DataFrame:
        """Not asked for."""
        raise AssertionError("never asked")

    def decide(self, predictions: pl.DataFrame) -> pl.DataFrame:
        """Not asked for."""
        raise AssertionError("never asked")

    def ready_rows(self, model: Trees) -> ReadyRows:
        """One row."""
        return ReadyRows(NAMES, 1)

    def say(self, model: Trees, rows: np.ndarray) -> Said:
        """Long above a half."""
        probability = float(model.predict_one(rows[0])[0])
        return Said(signal="long" if probability > 0.5 else "flat", confidence=probability)

    def baselines(self) -> Mapping[str, "Bench"]:
        """None."""
        return {}

    def importance(self, model: Trees) -> Mapping[str, float]:
        """None."""
        return {}

    def save(self, model: Trees) -> Mapping[str, bytes]:
        """The text."""
        return {"trees.txt": model.text.encode()}

    def load(self, files: Mapping[str, bytes]) -> Trees:
        """From its text."""
        return Trees(files["trees.txt"].decode())


def grown() -> Trees:
    """A model of noise with a little sense in it: every path of its trees is walked."""
    import lightgbm as lgb

    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, len(NAMES)))
    y = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + rng.normal(size=len(x)) > 0
    fitted = lgb.LGBMClassifier(**HeadConfig().grown(7)).fit(x, y, feature_name=list(NAMES))
    return Trees(fitted.booster_.model_to_string())


def prepare(workspace: Workspace, model: Trees) -> None:
    """Record the model as a version and let it serve, by a verdict made on paper."""
    ledger, learner, content = workspace.versions.ledger, Bench(), DatasetHash("d" * 64)
    files = {f"bench/{name}": data for name, data in learner.save(model).items()}
    dataset = NewDataset(
        learner="bench", content_hash=content, window_start=NOW, window_end=NOW, sample_count=1, filters={},
        quality_report={},
    )  # fmt: skip
    certificate = Certificate(
        dataset_hash=content, max_ts=NOW, max_t1=NOW, scored_from=NOW, first_allowed=NOW, seed=7, code="bench",
        libraries={},
    )  # fmt: skip
    with workspace.versions.training(Claim(learner="bench", dataset=dataset, seed=7), NOW) as training:
        record = VersionRecord(
            version=training.version, learner="bench", artifact=workspace.artifacts.save(files),
            trained_at=NOW.isoformat(), tickers=("EURUSD",), certificate=certificate, metrics={}, baselines={},
        )  # fmt: skip
        workspace.versions.finish(training, record, NOW)
    verdict = Gate("bench", (Floor(metric="gain", above=0.0, min_sample=10),)).judge_first({"gain": Figure(1.0, 50)})
    new = NewEvaluation(version=training.version, baseline=None, verdict=verdict, figures={})
    with ledger.transaction() as tx:
        report = record_evaluation(tx, new, NOW)
        promote(tx, training.version, report.eval_id, Move(by="bench", reason="to be measured", at=NOW))


def workspace_at(home: Path, url: str) -> Workspace:
    """The workspace, on the ledger of this URL."""
    from pawl.ledger.database import Ledger

    ledger = Ledger(url)
    ledger.make_current()
    return Workspace.at(home, ledger)
