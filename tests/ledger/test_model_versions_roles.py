"""The two roles live apart: whatever happens to one, no row of the other changes by a byte."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger_world import START, day, move, new_version, verdict
from pawl.errors import RefusalError
from pawl.ids import DatasetHash, ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.datasets import NewDataset, record_dataset
from pawl.ledger.deployments import list_deployments, promote, roll_back
from pawl.ledger.evaluations import EvaluationReport, NewEvaluation, record_evaluation
from pawl.ledger.model_versions import champion, record_version
from pawl.ledger.train_jobs import NewJob, TrainingFigures, enqueue_job, fail_job, start_job, succeed_job
from pawl.ledger.training_tables import dataset_versions, eval_reports, train_jobs
from pawl.ledger.version_tables import deployment_log, model_versions, version_numbers

TABLES = (dataset_versions, train_jobs, model_versions, version_numbers, eval_reports, deployment_log)
ROLES = ("policy", "analyst")


def rows_of(tx: sa.Connection, learner: str) -> list[list[Sequence[Any]]]:
    """Every stored value of a learner in every table that holds one, as the database gives it, not as our types do."""
    found = []
    for table in TABLES:
        names = ", ".join(column.name for column in table.c)
        raw = sa.text(f"SELECT {names} FROM {table.name} WHERE learner = :learner")
        found.append(sorted(map(repr, tx.execute(raw, {"learner": learner}))))
    return found


def train(tx: sa.Connection, role: str, minor: int) -> ModelVersion:
    """A version of the learner that is called after its role."""
    version = ModelVersion(f"{role}-1.{minor}")
    dataset = NewDataset(
        learner=role, content_hash=DatasetHash("d" * 64), window_start=START, window_end=day(1), sample_count=10,
        filters={"role": role}, quality_report={}, dataset_type="sft",
    )  # fmt: skip
    job = NewJob(version=version, dataset_version_ids=[record_dataset(tx, dataset, START)], hyperparams={}, role=role)
    job_id = enqueue_job(tx, job, START)
    start_job(tx, job_id, START)
    succeed_job(tx, job_id, TrainingFigures(artifacts={}), START)
    record_version(tx, as_role(version, role, job_id), START)
    return version


def as_role(version: str, role: str, job_id: UUID) -> Any:
    from dataclasses import replace

    return replace(new_version(version, job_id), role=role)


def judge(tx: sa.Connection, version: ModelVersion, role: str, *, passes: bool = True) -> EvaluationReport:
    baseline = champion(tx, role, role)
    found = verdict(passes=passes, is_first=baseline is None)
    return record_evaluation(tx, NewEvaluation(version=version, baseline=baseline, verdict=found, figures={}), day(1))


def live(tx: sa.Connection, role: str, minor: int) -> None:
    """A version of its own, trained, judged and promoted."""
    version = train(tx, role, minor)
    promote(tx, version, judge(tx, version, role).eval_id, move(minor + 1))


@pytest.mark.parametrize(("changed", "other"), [ROLES, ROLES[::-1]])
def test_pass_r1_changing_one_role_leaves_the_other_byte_identical(ledger: Ledger, changed: str, other: str) -> None:
    with ledger.transaction() as tx:
        for role in ROLES:
            live(tx, role, 0)
        before, own = rows_of(tx, other), rows_of(tx, changed)
    assert all(before), "the other has a row in every table"
    with ledger.transaction() as tx:
        live(tx, changed, 1)
        refused = train(tx, changed, 2)
        judge(tx, refused, changed, passes=False)
        roll_back(tx, changed, changed, ModelVersion(f"{changed}-1.0"), move(9))
        job = enqueue_job(
            tx, NewJob(version=ModelVersion(f"{changed}-1.3"), dataset_version_ids=[], hyperparams={}, role=changed),
            day(9),
        )  # fmt: skip
        start_job(tx, job, day(9))
        fail_job(tx, job, "out of memory", day(9))
    with ledger.reading() as tx:
        assert rows_of(tx, other) == before
        assert rows_of(tx, changed) != own
        assert champion(tx, other, other) == f"{other}-1.0"
        assert [one.what for one in list_deployments(tx, changed, changed)] == ["promote", "promote", "rollback"]
        assert [one.what for one in list_deployments(tx, other, other)] == ["promote"]


def test_pass_r1_the_gate_of_one_role_promotes_no_version_of_the_other(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for role in ROLES:
            live(tx, role, 0)
        policy, analyst = (train(tx, role, 1) for role in ROLES)
        report = judge(tx, analyst, "analyst")
    with pytest.raises(RefusalError, match=r"is on `analyst-1.1`, not on `policy-1.1`"), ledger.transaction() as tx:
        promote(tx, policy, report.eval_id, move(9))
    with ledger.reading() as tx:
        assert champion(tx, "policy", "policy") == "policy-1.0"


def test_pass_r1_one_learner_may_serve_in_both_roles_and_they_move_apart(ledger: Ledger) -> None:
    """The alias is of the pair of learner and role, and not of the learner."""
    with ledger.transaction() as tx:
        for minor, role in enumerate(ROLES):
            version = ModelVersion(f"both-1.{minor}")
            job = enqueue_job(tx, NewJob(version=version, dataset_version_ids=[], hyperparams={}, role=role), START)
            start_job(tx, job, START)
            succeed_job(tx, job, TrainingFigures(artifacts={}), START)
            record_version(tx, as_role(version, role, job), START)
            new = NewEvaluation(version=version, baseline=None, verdict=verdict(is_first=True), figures={})
            promote(tx, version, record_evaluation(tx, new, day(1)).eval_id, move(1))
        assert (champion(tx, "both", "policy"), champion(tx, "both", "analyst")) == ("both-1.0", "both-1.1")
