"""The daily update as a process (REV-R11, R12, R16 … R19, R32, R41, R42, R46): what it writes, and what then serves."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from pawl.errors import InputError
from pawl.ids import ModelVersion
from pawl.jobs.live import daily_update as module
from pawl.jobs.live.daily_update import DailyRun, update_daily_version
from pawl.jobs.live.lineage import lineage_of, read_rows
from pawl.jobs.live.rollout_rules import RolloutRules
from pawl.jobs.rollback import Asked, roll_back_learner
from pawl.learners.reversal_daily import OUTCOME_SCHEMA, READ_SCHEMA, DailyOrder, DailyUpdate, fit_daily
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import list_deployments
from pawl.ledger.evaluations import list_reports
from pawl.ledger.model_versions import champion, get_version, list_versions
from pawl.ledger.training_tables import dataset_versions
from tiny_learner import Tiny
from training_world import (
    FIRST_AT,
    THURSDAY,
    Notes,
    SmallWorld,
    always_hold,
    events_of,
    first_world,
    jobs_of,
    surrounded,
)

FIRST = "reversal-3.3"
WEDNESDAY = THURSDAY - timedelta(days=1)
MONDAY = THURSDAY - timedelta(days=3)


@pytest.fixture
def world(tmp_path: Path) -> SmallWorld:
    return first_world(tmp_path)


@pytest.fixture
def notes() -> Notes:
    return Notes()


def serving(world: SmallWorld) -> str | None:
    with world.ledger.reading() as tx:
        return champion(tx, "reversal")


def equal_update(monkeypatch: pytest.MonkeyPatch) -> None:
    """A candidate that is the current model itself."""
    same = lambda learner, active, ready, seed: replace(fit_daily(learner, active, ready, seed), model=active)  # noqa: E731
    monkeypatch.setattr(module, "fit_daily", same)


def silent_update(monkeypatch: pytest.MonkeyPatch) -> None:
    """A candidate that always holds."""

    def silent(learner: Any, active: Any, ready: Any, seed: int) -> DailyUpdate:
        done = fit_daily(learner, active, ready, seed)
        return replace(done, model=always_hold(done.model))

    monkeypatch.setattr(module, "fit_daily", silent)


def test_rev_r19_an_update_is_named_after_base_and_day_and_knows_its_parent(
    ledger: Ledger, tmp_path: Path, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    equal_update(monkeypatch)
    world = first_world(tmp_path / "home", ledger)
    runs = [update_daily_version(world, surrounded(world, notes), at) for at in (WEDNESDAY, THURSDAY)]
    assert [run.version for run in runs] == [f"{FIRST}-daily-20250402", f"{FIRST}-daily-20250403"]
    assert all(run.is_deployed for run in runs)
    with ledger.reading() as tx:
        first, second = (get_version(tx, str(run.version)) for run in runs)
    assert (first.model_type, first.parent, second.parent) == ("incremental", FIRST, first.version)
    assert (first.status, second.status, serving(world)) == ("retired", "champion", second.version)
    assert first.trained_at == WEDNESDAY


def test_a_day_that_is_done_again_changes_nothing(world: SmallWorld, notes: Notes) -> None:
    around = surrounded(world, notes)
    first = update_daily_version(world, around, THURSDAY)
    before = (serving(world), len(jobs_of(world)), len(events_of(world)))
    again = update_daily_version(world, around, THURSDAY + timedelta(hours=1))
    assert (again.version, again.verdict, again.is_deployed) == (first.version, first.verdict, first.is_deployed)
    assert (serving(world), len(jobs_of(world)), len(events_of(world))) == before
    with world.ledger.reading() as tx:
        assert len(list_reports(tx, ModelVersion(str(first.version)))) == 1


def test_rev_r12_too_few_sequences_warn_visibly_and_make_no_version(world: SmallWorld, notes: Notes) -> None:
    jobs = len(jobs_of(world))
    run = update_daily_version(world, surrounded(world, notes), MONDAY)
    assert run == DailyRun(skipped="daily update skipped: 32 labelled sequences, fewer than 100")
    assert notes.lines == [("daily update", {"skipped": run.skipped}, MONDAY)]
    assert (serving(world), len(jobs_of(world))) == (FIRST, jobs)
    with world.ledger.reading() as tx:
        assert [one.version for one in list_versions(tx)] == ["reversal-3.2", FIRST]


def test_rev_r17_an_equal_update_serves_by_its_own_verdict(
    world: SmallWorld, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    equal_update(monkeypatch)
    run = update_daily_version(world, surrounded(world, notes), THURSDAY)
    assert run.is_deployed
    assert serving(world) == run.version
    with world.ledger.reading() as tx:
        move = list_deployments(tx, "reversal")[-1]
        (report,) = list_reports(tx, ModelVersion(str(run.version)))
    assert (move.eval_id, move.from_version, move.at) == (report.eval_id, FIRST, THURSDAY)
    assert report.figures["f1_score"] == report.figures["current_f1_score"] is not None
    assert report.figures["n_rows"] >= 40


def test_rev_r18_an_update_that_always_holds_is_recorded_and_never_serves(
    world: SmallWorld, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent_update(monkeypatch)
    dear = replace(world, costs=world.costs.model_copy(update={"fee_bps": 9.0}))
    run = update_daily_version(dear, surrounded(world, notes), THURSDAY)
    assert run.verdict is not None
    assert not run.verdict.passed
    assert "n signals" in " ".join(run.verdict.reasons)
    with world.ledger.reading() as tx:
        assert get_version(tx, str(run.version)).status == "refused"
        (report,) = list_reports(tx, ModelVersion(str(run.version)))
    assert report.figures["pnl_bps"] == 0.0 > float(report.figures["current_pnl_bps"] or 0.0), "it even earned more"
    assert serving(world) == FIRST


def test_rev_r16_what_every_ancestor_read_is_left_out_of_the_comparison(
    world: SmallWorld, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    equal_update(monkeypatch)
    orders: list[DailyOrder] = []
    compared = module.compare_daily

    def watched(*arguments: Any) -> Any:
        orders.append(arguments[4])
        return compared(*arguments)

    monkeypatch.setattr(module, "compare_daily", watched)
    days = [WEDNESDAY - timedelta(days=1), WEDNESDAY, THURSDAY]
    runs = [update_daily_version(world, surrounded(world, notes), at) for at in days]
    assert all(run.is_deployed for run in runs)
    with world.ledger.reading() as tx:
        versions = [get_version(tx, str(run.version)) for run in runs]
        base = get_version(tx, FIRST)
    files = [world.workspace.artifacts.load(one.artifact)["read.parquet"] for one in versions]
    own = [pl.read_parquet(io.BytesIO(content)) for content in files]
    assert min(frame.height for frame in own) >= 100
    for order, before in zip(orders, ([], own[:1], own[:2]), strict=True):
        wanted = pl.concat([pl.DataFrame(schema=READ_SCHEMA), *before]).sort("ticker", "ts")
        assert order.read_before.sort("ticker", "ts").equals(wanted)
    assert {order.base_read_until for order in orders} == {base.max_t1}


def test_rev_r16_scaler_features_and_stage_names_are_the_parent_s(world: SmallWorld, notes: Notes) -> None:
    run = update_daily_version(world, surrounded(world, notes), THURSDAY)
    with world.ledger.reading() as tx:
        parent, update = get_version(tx, FIRST), get_version(tx, str(run.version))
    theirs, ours = (world.workspace.artifacts.load(one.artifact) for one in (parent, update))
    for part in ("scaler.json", "features.json"):
        assert ours[f"{run.version}_{part}"] == theirs[f"{FIRST}_{part}"]
    assert ours[f"{run.version}_stage1.safetensors"] != theirs[f"{FIRST}_stage1.safetensors"]
    assert f"{run.version}_stage2.safetensors" in ours
    facts = json.loads(ours[f"{run.version}_metadata.json"])
    assert (facts["version"], facts["parent_version"], facts["training_type"]) == (run.version, FIRST, "incremental")
    assert facts["trained_at"] == THURSDAY.isoformat()
    stored = world.workspace.home / update.paths["stage2_model_path"]
    assert stored.read_bytes() == ours[f"{run.version}_stage2.safetensors"]
    assert {name.split("/")[0] for name in ours if "/" in name} >= {"reversal", "linear", "lightgbm"}


def test_rev_r11_the_job_says_how_it_was_trained(world: SmallWorld, notes: Notes) -> None:
    run = update_daily_version(world, surrounded(world, notes), THURSDAY)
    job = jobs_of(world)[-1]
    told = (job.status, job.train_type, job.training_type, job.base_model, job.target_model_version)
    assert told == ("succeeded", "retrain", "incremental", FIRST, run.version)
    wanted = {"learning_rate": 0.0001, "epochs": 10, "batch_size": 32, "validation_split": 0.2, "cause": "schedule"}
    assert {name: job.hyperparams[name] for name in wanted} == wanted
    assert job.train_samples == int(0.8 * job.num_samples)
    assert job.train_samples + job.val_samples == job.num_samples >= 100
    assert job.val_loss is not None
    with world.ledger.reading() as tx:
        (dataset_id,) = job.dataset_version_ids
        row = tx.execute(sa.select(dataset_versions).where(dataset_versions.c.dataset_version_id == dataset_id)).one()
    assert row.sample_count == job.num_samples


def test_rev_r32_while_a_test_runs_an_update_is_recorded_and_not_deployed(
    ledger: Ledger, tmp_path: Path, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    equal_update(monkeypatch)
    world = first_world(tmp_path / "home", ledger)
    run = update_daily_version(world, surrounded(world, notes, has_running_test=lambda tx, name: True), THURSDAY)
    assert run.verdict is not None
    assert run.verdict.passed
    assert (run.is_deployed, serving(world)) == (False, FIRST)
    assert "A/B test" in str(run.kept)
    assert notes.last["kept"] == run.kept
    with ledger.reading() as tx:
        status = tx.execute(
            sa.text("SELECT status FROM model_training_log WHERE model_version = :v"), {"v": run.version}
        ).scalar_one()
    assert status == "completed"


def test_rev_r42_extreme_conditions_pause_the_update_and_what_serves_goes_on(world: SmallWorld, notes: Notes) -> None:
    run = update_daily_version(world, surrounded(world, notes, is_paused=lambda tx, name, at: True), THURSDAY)
    assert (run.version, "pause" in str(run.skipped), serving(world)) == (None, True, FIRST)


def test_rev_r42_a_pause_that_begins_while_it_trains_holds_the_deployment(
    world: SmallWorld, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    equal_update(monkeypatch)
    asked: list[bool] = []
    paused_later = lambda tx, name, at: bool(asked) or asked.append(True) is not None  # noqa: E731
    run = update_daily_version(world, surrounded(world, notes, is_paused=paused_later), THURSDAY)
    assert (run.is_deployed, serving(world)) == (False, FIRST)
    assert "pause" in str(run.kept)


def test_a_champion_that_changed_meanwhile_is_not_replaced(
    world: SmallWorld, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    equal_update(monkeypatch)
    other = first_of_other(world, notes)
    compared = module.compare_daily

    def promoted_meanwhile(*arguments: Any) -> Any:
        other()
        return compared(*arguments)

    monkeypatch.setattr(module, "compare_daily", promoted_meanwhile)
    run = update_daily_version(world, surrounded(world, notes), THURSDAY)
    assert (run.is_deployed, serving(world)) == (False, f"{FIRST}-daily-20250402")
    assert "no longer serves" in str(run.kept)


def first_of_other(world: SmallWorld, notes: Notes) -> Any:
    """Promotes an update of the day before, once it is called."""
    test_runs = surrounded(world, notes, has_running_test=lambda tx, name: True)
    kept = update_daily_version(world, test_runs, WEDNESDAY)

    def promote() -> None:
        with world.ledger.transaction() as tx:
            (report,) = list_reports(tx, ModelVersion(str(kept.version)))
            module.promote(tx, report.version, report.eval_id, module.Move(by="me", reason="now", at=THURSDAY))

    return promote


def test_rev_r41_an_update_that_breaks_is_failed_with_its_error_and_the_next_try_is_a_new_job(
    world: SmallWorld, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> DailyUpdate:
        raise RuntimeError("the machine went away")

    with monkeypatch.context() as patch:
        patch.setattr(module, "fit_daily", broken)
        with pytest.raises(RuntimeError, match="went away"):
            update_daily_version(world, surrounded(world, notes), THURSDAY)
    job = jobs_of(world)[-1]
    assert (job.status, job.error_message, serving(world)) == ("failed", "the machine went away", FIRST)
    run = update_daily_version(world, surrounded(world, notes), THURSDAY)
    assert [job.status for job in jobs_of(world)] == ["succeeded", "failed", "succeeded"]
    assert run.verdict is not None


def test_version_verdict_and_move_are_one_transaction(
    world: SmallWorld, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    equal_update(monkeypatch)

    def broken(*_: Any) -> None:
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        update_daily_version(world, surrounded(world, notes, announce_move=broken), THURSDAY)
    with world.ledger.reading() as tx:
        assert [one.version for one in list_versions(tx)] == ["reversal-3.2", FIRST]
        assert list_reports(tx, ModelVersion(f"{FIRST}-daily-20250403")) == []
    assert serving(world) == FIRST


def test_rev_r46_every_finished_training_is_told_once_with_version_and_status(
    world: SmallWorld, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = events_of(world)
    assert [(one["model_version"], one["status"], one["training_type"]) for one in before] == [
        (FIRST, "succeeded", "full")
    ]
    with monkeypatch.context() as patch:
        patch.setattr(module, "fit_daily", lambda *_: (_ for _ in ()).throw(RuntimeError("no memory")))
        with pytest.raises(RuntimeError):
            update_daily_version(world, surrounded(world, notes), THURSDAY)
    for _ in range(2):
        update_daily_version(world, surrounded(world, notes), THURSDAY)
    update_daily_version(world, surrounded(world, notes), MONDAY)
    told = [(one["model_version"], one["status"], one["error"]) for one in events_of(world)[1:]]
    daily = f"{FIRST}-daily-20250403"
    assert told == [(daily, "failed", "no memory"), (daily, "succeeded", None)]
    assert {one["training_type"] for one in events_of(world)[1:]} == {"incremental"}


def test_two_runs_under_one_clock_give_the_same_bytes(tmp_path: Path, notes: Notes) -> None:
    worlds = [first_world(tmp_path / name) for name in ("one", "other")]
    runs = [update_daily_version(world, surrounded(world, notes), THURSDAY) for world in worlds]
    assert runs[0] == runs[1]
    stored = []
    for world in worlds:
        with world.ledger.reading() as tx:
            one = get_version(tx, str(runs[0].version))
            stored.append((one.artifact, one.certificate, one.metrics, one.dataset_hash))
    assert stored[0] == stored[1]


def test_rev_r40_one_command_goes_back_to_the_update_before(
    world: SmallWorld, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    equal_update(monkeypatch)
    runs = [update_daily_version(world, surrounded(world, notes), at) for at in (WEDNESDAY, THURSDAY)]
    asked = Asked(by="ann", reason="it erred", now=THURSDAY + timedelta(hours=1))
    done = roll_back_learner(world.workspace, world.learner, asked, RolloutRules(), lambda: 0.0)
    assert (done.from_version, done.to_version) == (runs[1].version, runs[0].version)
    assert serving(world) == runs[0].version


def test_without_a_version_that_serves_there_is_nothing_to_update(tmp_path: Path, notes: Notes) -> None:
    world = first_world(tmp_path)
    with world.ledger.transaction() as tx:
        tx.execute(sa.text("UPDATE model_versions SET is_active = false, status = 'retired' WHERE is_active"))
    run = update_daily_version(world, surrounded(world, notes), THURSDAY)
    assert "no version serves" in str(run.skipped)


def test_a_learner_without_daily_updates_says_so(world: SmallWorld, notes: Notes) -> None:
    with pytest.raises(InputError, match="no daily update"):
        update_daily_version(replace(world, learner=Tiny()), surrounded(world, notes), FIRST_AT)


def test_an_outcome_of_the_last_day_brings_its_bar_in_whatever_version_gave_the_signal(
    world: SmallWorld, notes: Notes
) -> None:
    alone = update_daily_version(world, surrounded(world, notes), WEDNESDAY)
    bar = THURSDAY - timedelta(days=2)
    row = {"ticker": "EURUSD", "ts": bar, "actual_outcome": "win", "updated_at": THURSDAY - timedelta(hours=1)}
    outcomes = pl.DataFrame([row, row], schema=OUTCOME_SCHEMA)
    run = update_daily_version(world, surrounded(world, notes, outcomes=lambda *_: outcomes), THURSDAY)
    assert (alone.version, run.version) != (None, None)
    with world.ledger.reading() as tx:
        lineage = lineage_of(tx, str(run.version))
    newest = lineage.updates[0]
    read = read_rows(world.workspace.artifacts, replace(lineage, updates=(newest,)))
    assert read.filter((pl.col("ts") == bar) & (pl.col("ticker") == "EURUSD")).height == 1
