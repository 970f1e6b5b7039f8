"""What was learnt: serving versions, what each improved, trainings and dataset versions, as they stand."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger_world import day, trained
from passport_world import ME, NOW, OTHER, WEEK, cut_dataset, fill_world, judge_version, learn_from, serve_version
from pawl.ledger.database import Ledger
from pawl.ledger.learning_record import (
    datasets_page,
    datasets_since,
    improvement_of,
    metric_changes,
    newest_runs,
    open_runs,
    scheduled_runs,
    serving_versions,
    trained_datasets,
)
from pawl.ledger.service_tables import schedule_runs
from pawl.ledger.training_tables import eval_reports, train_jobs


def test_what_serves_is_shown_with_what_it_improved(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        fill_world(tx, tmp_path)
        (serving,) = serving_versions(tx)
        found = improvement_of(tx, serving)
    assert (serving.learner, serving.role, serving.version) == ("m002", "policy", "m002-1.1")
    assert serving.deployed_at == WEEK - timedelta(days=10)
    assert found is not None
    assert (found.preceding, found.gate_result, found.improved) == ("m002-1.0", "pass", ("hit_rate", "pnl_bps", "ece"))
    ece = next(one for one in found.metrics if one.metric == "ece")
    assert (ece.before, ece.after, ece.n, ece.is_better) == (0.05, 0.04, 200, True)
    assert ece.change == pytest.approx(-0.01)
    assert next(one for one in found.metrics if one.metric == "max_drawdown").is_better is None  # nothing changed


def test_the_first_version_improves_on_nothing(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        assert serving_versions(tx) == ()
        serve_version(tx, "m002-1.0", day(1))
        found = improvement_of(tx, serving_versions(tx)[0])
    assert found is not None
    assert (found.preceding, found.improved) == (None, ())
    assert {one.change for one in found.metrics} == {None}


def test_a_worse_figure_is_told_as_worse(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        serve_version(tx, "m002-1.0", day(1))
        trained(tx, "m002-1.1")
        judge_version(tx, "m002-1.1", day(2), hit_rate=0.4, max_drawdown=0.02)
        stored = tx.execute(sa.select(eval_reports.c.metrics).where(eval_reports.c.model_version == "m002-1.1"))
        changes = {one.metric: one.is_better for one in metric_changes(stored.scalar_one()["verdict"])}
    assert (changes["hit_rate"], changes["max_drawdown"], changes["pnl_bps"]) == (False, True, None)


def test_runs_are_the_last_that_finished_and_those_that_wait(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        fill_world(tx, tmp_path)
        last, waiting = newest_runs(tx), open_runs(tx)
        finished = tx.execute(sa.select(train_jobs).where(train_jobs.c.finished_at.is_not(None))).all()
    assert len(finished) == 2
    assert [one.train_job_id for one in last] == [min(one.train_job_id for one in finished)]  # both at one instant
    assert [(one.version, one.status, one.train_type) for one in waiting] == [("policy-1.0", "queued", "orpo")]


def test_datasets_of_this_week_are_those_of_users_alone(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        fill_world(tx, tmp_path)  # `trained` records a supervised one
        cut_dataset(tx, tmp_path, "sft", NOW + timedelta(hours=1), {ME: 1})
        found = [one.dataset_type for one in datasets_since(tx, WEEK, NOW)]
    assert found == ["pretrain", "orpo"]


def test_pages_of_datasets_leave_nothing_out_and_show_nothing_twice(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        fill_world(tx, tmp_path)
        for number in range(3):  # cut at one instant: their ids tell them apart
            cut_dataset(tx, tmp_path, ("sft", "orpo", "pretrain")[number], WEEK, {ME: 1})
        everything = datasets_page(tx, None, None, 100)
        pages: list[UUID] = []
        before = None
        while rows := datasets_page(tx, None, before, 2):
            pages += [row.dataset_version_id for row in rows]
            before = (rows[-1].created_at, rows[-1].dataset_version_id)
        assert {one.dataset_type for one in datasets_page(tx, "sft", None, 100)} == {"sft"}
    assert pages == [one.dataset_version_id for one in everything]
    assert len(set(pages)) == len(everything) == 7
    assert [one.created_at for one in everything] == sorted((one.created_at for one in everything), reverse=True)


def test_a_dataset_is_trained_on_once_a_job_that_has_not_failed_reads_it(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        one, other = (cut_dataset(tx, tmp_path, kind, WEEK, {OTHER: 2}) for kind in ("sft", "orpo"))
        learn_from(tx, "policy-1.0", [one], NOW)
        failed = learn_from(tx, "policy-1.1", [other], NOW)
        tx.execute(
            sa.update(train_jobs)
            .where(train_jobs.c.train_job_id == failed)
            .values(status="failed", started_at=NOW, finished_at=NOW)
        )
        assert trained_datasets(tx, WEEK) == {one}
        assert trained_datasets(tx, NOW + timedelta(seconds=1)) == frozenset()


def test_a_schedule_is_due_one_interval_after_it_was_taken_up_last(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for number in (1, 8, 4):
            tx.execute(
                sa.insert(schedule_runs).values(schedule="train m002", due_at=day(number), started_at=day(number))
            )
        found = scheduled_runs(tx, {"train m002": timedelta(days=7), "dataset sft": timedelta(days=1)})
    assert [(one.schedule, one.last_due_at, one.next_due_at) for one in found] == [
        ("dataset sft", None, None),
        ("train m002", day(8), day(15)),
    ]
