"""Rows that a loop is watched by; their figures stand in tests/jobs/live/test_monitoring.py."""

import sqlalchemy as sa

from ledger_world import day, trained
from live_market import serve_first
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.monitored_rows import (
    newest_jobs,
    newest_runs_of,
    pending_outcomes,
    skipped_trainings,
    version_results,
)
from pawl.ledger.schedule_runs import take_up
from pawl.ledger.train_jobs import NewJob, enqueue_job, fail_job, start_job
from pawl.ledger.training_tables import train_jobs


def test_the_newest_training_of_each_type_counts(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        first, second = trained(tx, "m002-1.0"), trained(tx, "m002-1.1")
        for job_id, on in ((first, 5), (second, 3)):
            tx.execute(sa.update(train_jobs).where(train_jobs.c.train_job_id == job_id).values(finished_at=day(on)))
        daily = NewJob(version=ModelVersion("m002-1.0-daily-20240108"), dataset_version_ids=[], hyperparams={},
                       training_type="incremental", base_model="m002-1.0")  # fmt: skip
        job_id = enqueue_job(tx, daily, day(6))
        start_job(tx, job_id, day(6))
        fail_job(tx, job_id, "no gradient", day(6))
        found = newest_jobs(tx, "m002", day(9))
        assert [(one.training_type, one.version, one.status, one.gap) for one in found] == [
            ("full", "m002-1.0", "succeeded", None),
            ("incremental", "m002-1.0-daily-20240108", "failed", None),
        ]
        assert [one.version for one in newest_jobs(tx, "m002", day(4))] == ["m002-1.1"]


def test_an_empty_ledger_has_figures_that_say_so(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        serve_first(tx)
        assert version_results(tx, "tiny", day(0), day(9)) == []
        assert (pending_outcomes(tx, "tiny", day(9)).n, pending_outcomes(tx, "tiny", day(9)).oldest) == (0, None)
        assert skipped_trainings(tx, "tiny", ["daily update"], day(0), day(9)).newest is None
        assert newest_runs_of(tx, "tiny") == {}


def test_runs_and_skipped_trainings_are_those_of_the_learner(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for learner, on in (("tiny", 2), ("tiny", 3), ("tiny2", 4)):
            take_up(tx, f"live {learner} daily", day(on), day(on))
            for name in ("daily update", "daily"):  # of the training, and of the cycle that asked for it
                told = {"skipped": f"day {on}"}
                log_live(tx, [LiveEntry(learner=learner, at=day(on), kind="training", name=name, payload=told)])
        assert newest_runs_of(tx, "tiny") == {"daily": day(3)}
        assert newest_runs_of(tx, "tiny", day(2)) == {"daily": day(2)}
        assert newest_runs_of(tx, "tiny", day(1)) == {}
        skipped = skipped_trainings(tx, "tiny", ["daily update"], day(0), day(9))
    assert (skipped.n, skipped.newest) == (2, "day 3")


def test_pending_outcomes_are_found_by_the_index_of_what_is_open(sqlite_ledger: Ledger) -> None:
    """A scrape asks for them, and of all that was said in years only a few are open."""
    asked: list[tuple[str, object]] = []
    with sqlite_ledger.transaction() as tx:
        sa.event.listen(tx, "before_cursor_execute", lambda *args: asked.append((args[2], args[3])))
        pending_outcomes(tx, "tiny", day(9))
        ((statement, parameters),) = asked
        plan = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    assert "ix_trading_signals_open" in str(plan)
