"""Full trainings as a process (REV-R20, R21, R23 … R26, R41, R42, R45, R46): what each leaves, and what then serves."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from ledger_world import address, run_together
from pawl.errors import PawlError, RefusalError
from pawl.ids import ModelVersion
from pawl.jobs import training_data as data_module
from pawl.jobs.live import reversal_report as report_module
from pawl.jobs.live.full_training import ON_SCHEDULE, train_full
from pawl.learners import reversal as learner_module
from pawl.learners.certificate import Certificate
from pawl.learners.learner import Fit
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import list_deployments
from pawl.ledger.evaluations import list_reports
from pawl.ledger.model_versions import champion, get_version, list_versions
from pawl.ledger.trigger_firings import BY_HAND
from pawl.ledger.version_number import VersionNumber, claim_number, keep_number
from small_workspace import fill
from tiny_learner import Tiny
from training_world import (
    FIRST_AT,
    SUNDAY,
    Notes,
    SmallWorld,
    always_hold,
    events_of,
    first_world,
    jobs_of,
    market_world,
    small_world,
    surrounded,
)

FIRST, SECOND = "reversal-3.3", "reversal-3.4"


@pytest.fixture
def world(tmp_path: Path) -> SmallWorld:
    return first_world(tmp_path)


@pytest.fixture
def notes() -> Notes:
    return Notes()


def serving(world: SmallWorld) -> str | None:
    with world.ledger.reading() as tx:
        return champion(tx, world.learner.spec.name)


def test_rev_r26_a_weekly_version_that_passes_begins_a_rollout_and_the_old_one_serves_on(
    ledger: Ledger, tmp_path: Path, notes: Notes
) -> None:
    world = first_world(tmp_path / "home", ledger)
    run = train_full(world, surrounded(world, notes), SUNDAY, ON_SCHEDULE)
    assert run.verdict is not None
    assert run.verdict.passed
    assert (run.version, run.is_first, notes.begun) == (SECOND, False, [(SECOND, SUNDAY)])
    assert serving(world) == FIRST
    with ledger.reading() as tx:
        (report,) = list_reports(tx, ModelVersion(SECOND))
        assert (report.baseline, report.scope) == (FIRST, "offline")
        assert get_version(tx, SECOND).baselines.keys() == {"linear", "lightgbm"}


def test_the_first_version_serves_by_its_own_verdict_and_what_came_before_it_is_retired(world: SmallWorld) -> None:
    with world.ledger.reading() as tx:
        (move,) = list_deployments(tx, "reversal")
        (report,) = list_reports(tx, ModelVersion(FIRST))
        before = get_version(tx, "reversal-3.2")
    assert (move.eval_id, move.from_version, report.verdict.is_first) == (report.eval_id, None, True)
    assert (before.status, before.is_active, before.train_job_id) == ("retired", False, None)


def test_rev_r23_the_report_stands_in_the_columns_of_the_job_and_whole_beside_it(
    ledger: Ledger, tmp_path: Path, notes: Notes
) -> None:
    world = first_world(tmp_path / "home", ledger)
    train_full(world, surrounded(world, notes), SUNDAY, ON_SCHEDULE)
    with ledger.reading() as tx:
        row = tx.execute(sa.text(f"SELECT * FROM model_training_log WHERE model_version = '{SECOND}'")).one()
        version = get_version(tx, SECOND)
    job = jobs_of(world)[-1]
    report = job.artifacts["report"]
    for column, name in {
        "precision": "precision",
        "recall": "recall",
        "f1_score": "f1_score",
        "backtest_win_rate": "win_rate",
        "backtest_sharpe_ratio": "sharpe_ratio",
        "backtest_max_drawdown": "max_drawdown",
    }.items():
        assert float(row._mapping[column]) == pytest.approx(report[name], abs=6e-5), column
    assert float(row.backtest_total_pnl) == pytest.approx(report["total_pnl"], abs=6e-3)
    assert sum(map(sum, report["confusion_matrix"])) == report["n"] > 100
    assert {"total_trades", "winning_trades", "win_rate", "total_pnl", "avg_pnl"} <= report.keys()
    for column in ("train_loss", "val_loss", "test_loss", "train_accuracy", "val_accuracy", "test_accuracy"):
        assert row._mapping[column] is not None, column
    assert row.train_samples + row.val_samples + row.test_samples == row.num_samples
    assert (row.status, row.training_type) == ("completed", "full")
    for path in (row.model_path, row.scaler_path, row.metadata_path):
        assert (world.workspace.home / path).is_file()
    assert version.metrics["report_f1_score"] == report["f1_score"]
    announced = events_of(world)[-1]["figures"]
    assert announced == {name: report[name] for name in announced}
    assert {"precision", "recall", "f1_score", "sharpe_ratio", "max_drawdown", "total_trades"} <= announced.keys()
    assert set(version.paths) == {
        "stage1_model_path", "stage2_model_path", "scaler_path", "features_path", "metadata_path",
    }  # fmt: skip


def test_its_files_have_the_names_of_the_spec(world: SmallWorld, notes: Notes) -> None:
    train_full(world, surrounded(world, notes), SUNDAY, ON_SCHEDULE)
    with world.ledger.reading() as tx:
        version = get_version(tx, SECOND)
    files = world.workspace.artifacts.load(version.artifact)
    for ending in ("stage1.safetensors", "stage2.safetensors", "scaler.json", "features.json", "metadata.json"):
        assert f"{SECOND}_{ending}" in files
    facts = json.loads(files[f"{SECOND}_metadata.json"])
    assert (facts["version"], facts["parent_version"], facts["training_type"]) == (SECOND, None, "full")
    csv = pl.read_csv(world.workspace.home / "data" / "continuous" / "training_data_20250330.csv", try_parse_dates=True)
    job = jobs_of(world)[-1]
    counted = dict(csv.group_by("part").len().iter_rows())
    assert counted == {"train": job.train_samples, "validation": job.val_samples, "test": job.test_samples}
    assert csv["ts"].max() < SUNDAY.replace(tzinfo=csv["ts"][0].tzinfo)


def test_rev_r22_it_reads_three_months_and_says_so(world: SmallWorld, notes: Notes) -> None:
    train_full(world, surrounded(world, notes), SUNDAY, ON_SCHEDULE)
    job = jobs_of(world)[-1]
    assert job.data_end_date <= SUNDAY
    assert job.data_end_date - job.data_start_date <= timedelta(days=93)
    assert world.learner.spec.reads_back >= timedelta(days=93)
    with world.ledger.reading() as tx:
        read = tx.execute(
            sa.text("SELECT filters FROM ml_dataset_versions WHERE window_end > '2025-03-28' ORDER BY window_end DESC")
        ).scalars()
        filters = [json.loads(one) for one in read]
    assert filters[0]["opened_from"] == (SUNDAY - world.learner.spec.reads_back).isoformat()


def test_rev_r24_no_row_of_the_backtest_was_fitted_or_watched(
    world: SmallWorld, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples: list[Any] = []
    of = learner_module.ReversalSamples.of
    monkeypatch.setattr(
        learner_module.ReversalSamples, "of", lambda *arguments: samples.append(of(*arguments)) or samples[-1]
    )
    train_full(world, surrounded(world, notes), SUNDAY, ON_SCHEDULE)
    report = jobs_of(world)[-1].artifacts["report"]
    first = datetime.fromisoformat(report["from"])
    network = samples[0]
    fitted = network.data.frame[[*network.train, *network.valid]]
    assert fitted["t1"].max() < first
    assert fitted["available_at"].max() < first
    with world.ledger.reading() as tx:
        certificate = Certificate.from_json(get_version(tx, SECOND).certificate)
    assert first >= certificate.scored_from


def test_rev_r25_zero_trades_give_null_figures_and_a_failed_gate_and_no_rollout(
    world: SmallWorld, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An always-hold model must lose (REV-R18), also against nothing."""
    reported = report_module.weekly_report

    def silent(learner: Any, fit: Fit[Any], *others: Any) -> Any:
        return reported(learner, replace(fit, model=always_hold(fit.model)), *others)

    monkeypatch.setattr(report_module, "weekly_report", silent)
    run = train_full(world, surrounded(world, notes), SUNDAY, ON_SCHEDULE)
    assert run.verdict is not None
    assert not run.verdict.passed
    job = jobs_of(world)[-1]
    assert job.status == "succeeded"
    assert (job.backtest_win_rate, job.backtest_sharpe_ratio, job.backtest_max_drawdown) == (None, None, None)
    assert job.backtest_total_pnl is None
    assert job.artifacts["report"]["total_trades"] == 0
    assert (notes.begun, serving(world)) == ([], FIRST)
    report = reported(world.learner, fit_of(world, SECOND), bars_of(world), world.costs)
    silent_report = silent(world.learner, fit_of(world, SECOND), bars_of(world), world.costs)
    for is_first in (True, False):
        assert report_module.weekly_verdict(world.learner, report, is_first=is_first).passed
        assert not report_module.weekly_verdict(world.learner, silent_report, is_first=is_first).passed


def fit_of(world: SmallWorld, version: str) -> Fit[Any]:
    with world.ledger.reading() as tx:
        stored = get_version(tx, version)
    files = world.workspace.artifacts.load(stored.artifact)
    model = world.learner.load({name.removeprefix("reversal/"): content for name, content in files.items()})
    certificate = Certificate.from_json(stored.certificate)
    return Fit(model=model, scored_from=certificate.scored_from, metrics={})


def bars_of(world: SmallWorld) -> pl.DataFrame:
    bars = world.workspace.silver.scan(world.learner.spec.timeframe).collect()
    return bars.filter(pl.col("available_at") < SUNDAY).sort("ticker", "ts")


def test_the_same_instant_has_one_training_and_a_rollout_that_could_not_begin_is_begun_again(
    world: SmallWorld, notes: Notes
) -> None:
    def cut_off(version: ModelVersion, at: datetime) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_full(world, surrounded(world, notes, begin_rollout=cut_off), SUNDAY, ON_SCHEDULE)
    jobs = len(jobs_of(world))
    runs = [train_full(world, surrounded(world, notes), SUNDAY, ON_SCHEDULE) for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(jobs_of(world)) == jobs
    assert notes.begun == [(SECOND, SUNDAY)] * 2, "the rollout itself knows that it was begun"
    with world.ledger.reading() as tx:
        assert len(list_reports(tx, ModelVersion(SECOND))) == 1


def test_a_rollout_that_is_refused_is_said_and_the_version_keeps_its_verdict(world: SmallWorld, notes: Notes) -> None:
    def refused(version: ModelVersion, at: datetime) -> None:
        raise RefusalError("another candidate is rolled out", where="rollout", fix="wait")

    run = train_full(world, surrounded(world, notes, begin_rollout=refused), SUNDAY, ON_SCHEDULE)
    assert (run.version, run.kept) == (SECOND, "another candidate is rolled out")
    assert [(name, said["version"], said["kept"]) for name, said, _ in notes.lines] == [
        ("full training", SECOND, "another candidate is rolled out")
    ]


@pytest.mark.parametrize("cause", [ON_SCHEDULE, "feature_drift", BY_HAND])
def test_the_cause_stands_with_the_job(world: SmallWorld, notes: Notes, cause: str) -> None:
    run = train_full(world, surrounded(world, notes), SUNDAY, cause)
    assert jobs_of(world)[-1].hyperparams["cause"] == cause == run.cause == notes.last["cause"]


def test_rev_r42_a_pause_holds_every_training_but_a_person_s(world: SmallWorld, notes: Notes) -> None:
    paused = surrounded(world, notes, is_paused=lambda tx, name, at: True)
    run = train_full(world, paused, SUNDAY, ON_SCHEDULE)
    assert (run.version, "pause" in str(run.skipped), len(jobs_of(world))) == (None, True, 1)
    assert train_full(world, paused, SUNDAY, BY_HAND).version == SECOND


def test_rev_r20_the_next_number_follows_the_highest_ever_used(world: SmallWorld, notes: Notes) -> None:
    with world.ledger.transaction() as tx:
        for minor in (10, 9):
            keep_number(tx, VersionNumber("reversal", 3, minor), FIRST_AT)
    assert train_full(world, surrounded(world, notes), SUNDAY, ON_SCHEDULE).version == "reversal-3.11"


TOGETHER = """
import sys
from datetime import timedelta
from pathlib import Path
from time import monotonic
from pawl.jobs.live import full_training
from pawl.ledger.database import Ledger
from training_world import SUNDAY, Notes, small_world, surrounded
home, url, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
world = small_world(home, Ledger(url))
inner = full_training._trained
def watched(*arguments):
    began = monotonic()
    inner(*arguments)
    print(began, monotonic(), end=" ")
full_training._trained = watched
at = SUNDAY + timedelta(hours=number)
print(full_training.train_full(world, surrounded(world, Notes()), at, "schedule").version)
"""


def test_rev_r21_r45_trainings_that_are_due_together_wait_for_each_other_and_get_different_numbers(
    ledger: Ledger, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    first_world(home, ledger)
    printed = [line.split() for line in run_together(TOGETHER, [str(home), address(ledger)], 2, tmp_path)]
    assert {version for _, _, version in printed} == {SECOND, "reversal-3.5"}
    (_, first_end), (second_begin, _) = sorted((float(begin), float(end)) for begin, end, _ in printed)
    assert first_end <= second_begin
    with ledger.reading() as tx:
        assert [one.version for one in list_versions(tx)] == ["reversal-3.2", FIRST, SECOND, "reversal-3.5"]


def test_rev_r41_a_training_that_cannot_start_is_failed_with_its_error(world: SmallWorld, notes: Notes) -> None:
    other = replace(world, tickers=("GBPUSD",))
    with pytest.raises(PawlError):
        train_full(other, surrounded(world, notes), SUNDAY, ON_SCHEDULE)
    job = jobs_of(world)[-1]
    assert job.status == "failed"
    assert "15m bars" in job.error_message
    assert events_of(world)[-1]["status"] == "failed"
    assert serving(world) == FIRST


def test_any_learner_is_trained_the_same_way_and_judged_by_the_house_s_gate(tmp_path: Path, notes: Notes) -> None:
    world = replace(small_world(tmp_path), learner=Tiny(), tickers=("AAA", "BBB"))
    fill(world.workspace)
    stood: list[int] = []  # at every turn that is taken

    def look() -> None:
        with world.ledger.reading() as tx:
            stood.append(len(list_versions(tx, "tiny")))

    around = surrounded(world, notes, proved_on=None, take_turn=look)
    at = datetime(2022, 10, 1, tzinfo=FIRST_AT.tzinfo)
    run = train_full(world, around, at, ON_SCHEDULE)
    assert (run.version, run.is_first, serving(world)) == ("tiny-1.0", True, "tiny-1.0")
    later = train_full(world, around, at + timedelta(days=60), ON_SCHEDULE)
    assert later.version == "tiny-1.1"
    assert later.verdict is not None
    assert (notes.begun == [("tiny-1.1", at + timedelta(days=60))]) is later.verdict.passed
    assert serving(world) == "tiny-1.0"
    assert stood == [0, 1, 1, 2], "a version is written down in its training's turn, as its verdict is"


def test_a_pair_that_fails_its_checks_is_left_out_and_the_other_is_trained_on(
    world: SmallWorld, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = data_module.check_bars

    def failing(*arguments: Any) -> Any:
        report = checked(*arguments)
        return SimpleNamespace(failing={**report.failing, "USDJPY": "was silent for a day"})

    monkeypatch.setattr(data_module, "check_bars", failing)
    run = train_full(world, surrounded(world, notes), SUNDAY, ON_SCHEDULE)
    with world.ledger.reading() as tx:
        assert get_version(tx, str(run.version)).tickers == ("EURUSD",)


def test_what_is_too_great_for_its_column_stays_in_the_report(world: SmallWorld) -> None:
    report = report_module.weekly_report(world.learner, fit_of(world, FIRST), bars_of(world), world.costs)
    great = replace(report, trades=replace(report.trades, sharpe_ratio=-123.4))
    columns = report_module.report_columns(Fit(model=None, scored_from=SUNDAY, metrics={}), great)
    assert columns["backtest_sharpe_ratio"] is None
    assert columns["backtest_win_rate"] == report.trades.win_rate


def test_claims_by_others_leave_a_gap(world: SmallWorld, notes: Notes) -> None:
    with world.ledger.transaction() as tx:
        assert claim_number(tx, "reversal", FIRST_AT).version == SECOND
    assert train_full(world, surrounded(world, notes), SUNDAY, ON_SCHEDULE).version == "reversal-3.5"


def test_two_worlds_under_one_clock_train_the_same_bytes(tmp_path: Path, notes: Notes) -> None:
    artifacts = []
    for name in ("one", "other"):
        world = market_world(tmp_path / name)
        train_full(world, surrounded(world, notes), FIRST_AT, ON_SCHEDULE)
        with world.ledger.reading() as tx:
            artifacts.append(get_version(tx, FIRST).artifact)
    assert artifacts[0] == artifacts[1]
