"""Real worker processes on a workspace: started, killed, started again; and what must hold whatever was killed when."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from decision_events import told_rows
from pawl.datasets.lake_feed import lake_gaps
from pawl.lake.event_lake import EventLake
from pawl.ledger.chain_check import check_chains
from pawl.ledger.database import Ledger
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.service_tables import dead_letters, schedule_runs, worker_heartbeats
from pawl.ledger.training_tables import dataset_versions, eval_reports, train_jobs
from pawl.ledger.version_tables import deployment_log, model_versions

__all__ = ["Scene", "sound"]

DRIVER = Path(__file__).parent / "kill_worker.py"
PATIENCE_SEC = 120
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Scene:
    """A workspace with its ledger, and the processes that work on it. url: None for SQLite in it."""

    home: Path
    url: sa.URL | None

    def ledger(self) -> Ledger:
        """The ledger, opened anew."""
        if self.url is None:
            return Ledger.open(self.home)
        opened = Ledger(self.url)
        opened.make_current()
        return opened

    @property
    def log(self) -> Path:
        """The boundaries that were passed."""
        return self.home / "boundaries.log"

    def passed(self) -> list[str]:
        """Every boundary that any process passed."""
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []

    def start(self, deadly: Sequence[str] = (), role: str = "all", log: Path | None = None) -> "subprocess.Popen[str]":
        """A worker process, working until idle or dead."""
        database = {} if self.url is None else {"PAWL_DATABASE_URL": self.url.render_as_string(hide_password=False)}
        paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        return subprocess.Popen(
            [sys.executable, "-W", "error", str(DRIVER), str(self.home), role, str(log or self.log), *deadly],
            env={**os.environ, **paths, **database},
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, deadly: Sequence[str] = ()) -> bool:
        """Work in one process; whether it lived to the end."""
        return ended_well(self.start(deadly))

    def run_for(self, seconds: float) -> bool:
        """Work in one process, killed so long after its first boundary; whether it had ended by then."""
        n_before = len(self.passed())
        process = self.start()
        until = time.monotonic() + PATIENCE_SEC
        while process.poll() is None and len(self.passed()) == n_before and time.monotonic() < until:
            time.sleep(0.01)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        return ended_well(process)

    def bury(self) -> None:
        """Let whoever was killed have been silent for long, so that nobody has to wait for it."""
        ledger = self.ledger()
        with ledger.transaction() as tx:
            tx.execute(sa.update(worker_heartbeats).values(beat_at=NEVER))
        ledger.close()


def ended_well(process: "subprocess.Popen[str]") -> bool:
    """Wait for a worker process: True when it ended by itself, False when it was killed; it never fails."""
    _, errors = process.communicate(timeout=PATIENCE_SEC)
    assert process.returncode in (0, -9), errors
    return process.returncode == 0


def copied(template: Path, home: Path) -> Path:
    """A workspace of one's own."""
    shutil.copytree(template, home)
    return home


def sound(ledger: Ledger, lake: EventLake, expected: Sequence[Mapping[str, Any]]) -> None:
    """No lost event; no trajectory, line of the lake, dataset, job, version, verdict or move of the alias twice; chains
    and lake whole. expected: the trajectories.
    """
    with ledger.reading() as tx:
        n_pending = tx.execute(
            sa.select(sa.func.count()).select_from(event_outbox).where(event_outbox.c.processed_at.is_(None))
        ).scalar_one()
        told = told_rows(tx)
        jobs = tx.execute(sa.select(train_jobs)).all()
        versions = tx.execute(sa.select(model_versions)).all()
        reports = tx.execute(sa.select(eval_reports)).all()
        moves = tx.execute(sa.select(deployment_log)).all()
        runs = tx.execute(sa.select(schedule_runs)).all()
        datasets = tx.execute(sa.select(dataset_versions.c.dataset_type)).scalars().all()
        gaps = lake_gaps(tx, lake)
        # The events of these tests are written alone, without the rows that they tell of.
        broken = [one for one in check_chains(tx).breaks if one.what != "is gone, and an event tells of it"]
        letters = tx.execute(sa.select(dead_letters)).all()
    assert broken == []
    assert (gaps, lake.verify()) == ([], [])
    lines = lake.scan().select("event_id", "table", "record_id")
    assert lines.n_unique() == lines.height
    assert n_pending == 0
    assert told == list(expected)
    assert letters == []
    assert sorted(one.schedule for one in runs) == ["dataset pretrain", "train tiny"]
    assert sorted(datasets) == ["pretrain", "supervised"]
    done = [one for one in jobs if one.status == "succeeded"]
    assert [one.status for one in jobs if one.status not in ("succeeded", "failed")] == []
    assert {one.error_message for one in jobs if one.status == "failed"} <= {"cut off before it ended"}
    assert len(done) == 1
    assert [(one.version, one.training_log_id) for one in versions] == [
        (done[0].target_model_version, done[0].train_job_id)
    ]
    assert [(one.model_version, one.report_number, one.gate_result) for one in reports] == [
        (versions[0].version, 1, "pass")
    ]
    assert [(one.to_version, one.eval_id, one.moved_by) for one in moves] == [
        (versions[0].version, reports[0].eval_id, "deployment-worker")
    ]
    assert versions[0].is_active
