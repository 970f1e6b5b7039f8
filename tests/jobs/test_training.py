"""Training: what a version has read, what it may not read, and what stops it."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from joblib.externals.loky.process_executor import BrokenProcessPool

from pawl.errors import FutureLeakError, NotFoundError, OverlapError, QualityError, TooLittleDataError
from pawl.features.feature import Feature, FeatureSet
from pawl.jobs.backtesting import BacktestOrder, backtest_version
from pawl.jobs.training import train
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Fit, FitContext, LearnerSpec
from pawl.learners.m002 import M002, M002Model, M002Variant
from pawl.ledger.train_jobs import count_jobs
from pawl.market.calendars import ALWAYS
from pawl.market.limits import QualityLimits
from pawl.registry.stopping import StoppedEarly
from small_workspace import DAILY, NOW, SMALL, TO, Trained, fill, nobody, order, vouch


def test_only_bars_that_closed_and_labels_known_before_the_cut_are_read(trained: Trained) -> None:
    certificate = trained.result.record.certificate
    # The bar of 29 September closes on the 30th at 00:00; that of the 30th closes at the cut itself, too late.
    assert certificate.max_ts == datetime(2022, 9, 29, tzinfo=UTC)
    assert certificate.max_t1 == datetime(2022, 9, 30, tzinfo=UTC)
    assert certificate.max_t1 < TO
    assert certificate.first_allowed == datetime(2022, 10, 6, tzinfo=UTC)


def test_bars_after_the_cut_change_nothing(trained: Trained, workspace: Workspace) -> None:
    fill(workspace, n_bars=650)
    again = train(workspace, trained.learner, order(), nobody)
    assert again.record.certificate.dataset_hash == trained.result.record.certificate.dataset_hash
    assert again.record.artifact == trained.result.record.artifact
    assert again.record.metrics == trained.result.record.metrics


def test_another_cut_or_seed_gives_another_version(trained: Trained) -> None:
    earlier = train(trained.workspace, trained.learner, order(to=TO - timedelta(days=30)), nobody)
    assert earlier.record.certificate.dataset_hash != trained.result.record.certificate.dataset_hash
    assert earlier.record.version != trained.result.record.version


def test_the_baselines_are_trained_and_scored_beside_the_model(trained: Trained) -> None:
    record = trained.result.record
    assert {*record.baselines} == {"linear", "lightgbm_no_regime"}
    for figures in (record.metrics, *record.baselines.values()):
        assert {"average_precision", "brier", "ece", "net_return", "sharpe", "max_drawdown"} <= {*figures}
    files = trained.workspace.artifacts.load(record.artifact)
    assert {path.split("/")[0] for path in files} == {"m002", "linear", "lightgbm_no_regime", "_golden"}
    assert not [path for path in files if path.endswith((".pt", ".pkl", ".pickle", ".joblib"))]


def test_a_version_trained_again_from_the_same_bars_has_the_same_bytes(trained: Trained, workspace: Workspace) -> None:
    fill(workspace)
    assert train(workspace, M002(SMALL), order(n_jobs=2), nobody).record.artifact == trained.result.record.artifact


def test_a_ticker_that_fails_its_checks_is_left_out_and_told(workspace: Workspace) -> None:
    fill(workspace)
    stale = workspace.silver.scan(DAILY, ["AAA"]).collect().drop("available_at", "session")
    frozen = stale.with_columns(pl.lit("STALE").alias("ticker"), *(pl.lit(5.0).alias(c) for c in stale.columns[2:6]))
    workspace.silver.merge(frozen, DAILY, ALWAYS, source="test", now=NOW)
    vouch(workspace)
    done = train(workspace, M002(SMALL, M002Variant.LINEAR), order(), nobody)
    assert done.record.tickers == ("AAA", "BBB")
    assert "fails its checks" in done.left_out["STALE"]
    with pytest.raises(QualityError, match="STALE"):
        train(workspace, M002(SMALL, M002Variant.LINEAR), order(tickers=("STALE",)), nobody)


def test_a_ticker_shorter_than_the_learner_needs_is_left_out_and_told(workspace: Workspace) -> None:
    fill(workspace)
    fill(workspace, ("SHORT",), n_bars=50)
    done = train(workspace, M002(SMALL, M002Variant.LINEAR), order(), nobody)
    assert done.left_out == {"SHORT": "has 50 bars, fewer than 260"}


@pytest.mark.parametrize("to", [datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 3, 1, tzinfo=UTC)])
def test_too_few_visible_bars_are_told_and_no_number_is_taken(workspace: Workspace, to: datetime) -> None:
    fill(workspace)
    with pytest.raises(TooLittleDataError):
        train(workspace, M002(SMALL), order(to=to), nobody)
    assert workspace.versions.count("m002") == 0


def test_an_unknown_ticker_is_told(workspace: Workspace) -> None:
    fill(workspace)
    with pytest.raises(NotFoundError, match="NOPE"):
        train(workspace, M002(SMALL), order(tickers=("NOPE",)), nobody)


class Peeking(M002):
    """m002's linear baseline with one more feature, which sees tomorrow."""

    def __init__(self) -> None:
        super().__init__(SMALL, M002Variant.LINEAR)

    @property
    def spec(self) -> LearnerSpec:
        spec = super().spec
        tomorrow = Feature(
            name="tomorrow",
            expression=lambda: pl.col("close").shift(-1).over("ticker"),
            inputs=("close",),
            lookback=1,
            unit="price",
            meaning="the next close",
        )
        values = {name: getattr(spec, name) for name in LearnerSpec.__slots__}
        return LearnerSpec(**{**values, "feature_set": FeatureSet(name="peeking", features=(tomorrow,))})


class Breaking(M002):
    """Its workers die."""

    def fit(self, bars: pl.DataFrame, context: FitContext) -> Fit[M002Model]:
        raise BrokenProcessPool("a worker was killed")


@pytest.mark.parametrize(("is_stopped", "error"), [(True, StoppedEarly), (False, BrokenProcessPool)])
def test_a_pool_that_a_stop_breaks_is_a_stop_and_another_a_failure(
    workspace: Workspace, is_stopped: bool, error: type[Exception]
) -> None:
    fill(workspace)

    def told(stage: str, fraction: float) -> None:
        if is_stopped and stage == "ending":
            raise StoppedEarly

    with pytest.raises(error):
        train(workspace, Breaking(SMALL, M002Variant.LINEAR), order(), told)
    with workspace.versions.ledger.reading() as tx:
        assert count_jobs(tx) == {"stopped" if is_stopped else "failed": 1}


def test_a_proof_that_fails_stops_training(workspace: Workspace) -> None:
    fill(workspace)
    with pytest.raises(FutureLeakError, match="tomorrow"):
        train(workspace, Peeking(), order(), nobody)
    assert workspace.versions.all() == []


class FrozenScaler(M002):
    """Reads labels of the first year only, but its scaler has seen every bar it was handed."""

    def __init__(self) -> None:
        super().__init__(SMALL, M002Variant.LINEAR)

    def label(self, bars: pl.DataFrame) -> pl.DataFrame:
        is_old = pl.col("ts") < datetime(2022, 3, 1, tzinfo=UTC)
        hidden = [pl.when(is_old).then(pl.col(name)).alias(name) for name in ("target", "t1")]
        return super().label(bars).with_columns(hidden)

    def fit(self, bars: pl.DataFrame, context: FitContext) -> Fit[M002Model]:
        fitted: Fit[Any] = super().fit(bars, context)
        fitted.model.head.standardiser.mean[:] += bars["close"].mean()
        return fitted


def test_a_scaler_that_has_seen_the_test_period_is_caught_by_the_certificate(workspace: Workspace) -> None:
    fill(workspace)
    version = train(workspace, FrozenScaler(), order(), nobody).record
    labels_end = datetime(2022, 3, 6, tzinfo=UTC)
    assert version.certificate.max_ts == datetime(2022, 9, 29, tzinfo=UTC)
    unlabelled = BacktestOrder(start=labels_end + timedelta(days=30), end=None, costs=order().costs)
    with pytest.raises(OverlapError, match="2022-09-30"):
        backtest_version(workspace, FrozenScaler(), version.version, unlabelled)


def test_a_full_disk_leaves_the_versions_that_stood(tmp_path: Path) -> None:
    workspace = Workspace.at(tmp_path)
    fill(workspace)
    first = train(workspace, M002(SMALL, M002Variant.LINEAR), order(), nobody)
    script = f"""
import resource, signal, sys
from datetime import UTC, datetime
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
from small_workspace import SMALL, nobody, order
from pawl.errors import StorageError
from pawl.jobs.training import train
from pawl.jobs.workspace import Workspace
from pawl.learners.m002 import M002, M002Variant
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2048, resource.RLIM_INFINITY))
try:
    later = order(to=datetime(2022, 11, 1, tzinfo=UTC))
    train(Workspace.at(Path({str(tmp_path)!r})), M002(SMALL, M002Variant.LINEAR), later, nobody)
except StorageError as error:
    print("told:", error.what)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("told: "), done.stderr
    assert [record.version for record in workspace.versions.all()] == [first.record.version]
    assert workspace.artifacts.load(first.record.artifact)


def test_limits_of_quality_come_from_the_order(workspace: Workspace) -> None:
    fill(workspace)
    strict = QualityLimits(max_zero_volume_share=0.0, max_missing_share=0.0, spike_sigmas=12.0)
    assert train(workspace, M002(SMALL, M002Variant.LINEAR), order(limits=strict), nobody).record.tickers
