"""Versions of a workspace: numbers, records, and the jobs behind them."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pawl.errors import CorruptArtifactError, NotFoundError, TooLittleDataError
from pawl.ids import DatasetHash, ModelVersion
from pawl.learners.certificate import Certificate
from pawl.ledger.datasets import NewDataset
from pawl.ledger.train_jobs import count_jobs, job_status
from pawl.ledger.version_number import VersionNumber
from pawl.registry.stopping import StoppedEarly
from pawl.registry.versions import Claim, VersionRecord, VersionStore

NOW = datetime(2024, 1, 1, tzinfo=UTC)
READ_UNTIL = datetime(2023, 12, 31, tzinfo=UTC)
DATASET = NewDataset(
    learner="m002",
    content_hash=DatasetHash("d" * 64),
    window_start=datetime(2020, 1, 1, tzinfo=UTC),
    window_end=READ_UNTIL,
    sample_count=10,
    filters={"tickers": ["BTCUSDT"]},
    quality_report={},
)
CLAIM = Claim(learner="m002", dataset=DATASET, seed=7)
RECORD = VersionRecord(
    version=ModelVersion("m002-1.0"),
    learner="m002",
    artifact="a" * 64,
    trained_at=NOW.isoformat(),
    tickers=("BTCUSDT",),
    certificate=Certificate(
        dataset_hash=DatasetHash("d" * 64),
        max_ts=READ_UNTIL,
        max_t1=READ_UNTIL,
        scored_from=datetime(2023, 10, 1, tzinfo=UTC),
        first_allowed=datetime(2024, 1, 6, tzinfo=UTC),
        seed=7,
        code="0.1.0+abc",
        libraries={"numpy": "2.4"},
    ),
    metrics={"sharpe": 1.5, "hit_rate": None},
    baselines={"linear": {"sharpe": 0.5}},
)


def train_one(store: VersionStore) -> ModelVersion:
    with store.training(CLAIM, NOW) as training:
        store.finish(training, replace(RECORD, version=training.version), NOW)
    return training.version


def train_five(home: Path) -> list[str]:
    return [train_one(VersionStore(home)) for _ in range(5)]


def test_numbers_start_at_one_and_are_listed_as_integers(tmp_path: Path) -> None:
    store = VersionStore(tmp_path)
    trained = [train_one(store) for _ in range(12)]
    assert (trained[0], trained[-1]) == ("m002-1.0", "m002-1.11")
    assert [record.version for record in store.all()] == trained


@pytest.mark.parametrize(
    "error",
    [
        TooLittleDataError("three bars", where="test", fix="more"),
        ZeroDivisionError("oops"),
        KeyboardInterrupt(),
        StoppedEarly(),
    ],
)
def test_a_failed_training_leaves_a_gap_and_a_failed_job(tmp_path: Path, error: BaseException) -> None:
    store = VersionStore(tmp_path)
    with pytest.raises(type(error)), store.training(CLAIM, NOW) as failed:
        raise error
    with store.ledger.reading() as tx:
        assert job_status(tx, failed.job_id) == "failed"
        is_stopped = isinstance(error, KeyboardInterrupt | StoppedEarly)
        assert count_jobs(tx) == {"stopped" if is_stopped else "failed": 1}
    assert train_one(store) == "m002-1.1"
    assert [record.version for record in store.all()] == ["m002-1.1"]
    assert store.count("m002") == 2


def test_a_training_that_was_cut_off_can_be_done_again_under_its_number(tmp_path: Path) -> None:
    store = VersionStore(tmp_path)
    again = replace(CLAIM, number=VersionNumber("m002", 1, 3))
    cut_off = store.training(again, NOW)
    first = cut_off.__enter__()  # the process dies here: nobody ends the job
    with store.training(again, NOW) as second:
        store.finish(second, replace(RECORD, version=second.version), NOW)
    assert first.version == second.version == "m002-1.3"
    with store.ledger.reading() as tx:
        assert (job_status(tx, first.job_id), job_status(tx, second.job_id)) == ("failed", "succeeded")
    assert store.count("m002") == 1


def test_a_finished_training_leaves_its_record_and_a_job_that_succeeded(tmp_path: Path) -> None:
    store = VersionStore(tmp_path)
    with store.training(CLAIM, NOW) as training:
        with store.ledger.reading() as tx:
            assert job_status(tx, training.job_id) == "running"
        store.finish(training, RECORD, NOW)
    with store.ledger.reading() as tx:
        assert job_status(tx, training.job_id) == "succeeded"
    assert VersionStore(tmp_path).get("m002-1.0") == RECORD


def test_processes_that_train_at_once_never_get_the_same_number(tmp_path: Path) -> None:
    train_one(VersionStore(tmp_path))
    with ProcessPoolExecutor(3) as pool:
        taken = [number for five in pool.map(train_five, [tmp_path] * 3) for number in five]
    assert len({*taken}) == 15
    assert VersionStore(tmp_path).count("m002") == 16


def test_looking_at_an_empty_workspace_makes_nothing(tmp_path: Path) -> None:
    store = VersionStore(tmp_path)
    assert (store.all(), store.count("m002")) == ([], 0)
    with pytest.raises(NotFoundError, match=r"no version `reversal-3\.3`") as nothing:
        store.get("reversal-3.3")
    assert nothing.value.fix == "train one: pawl train reversal"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", ["m002", "m002-1", "1.0", "m002-1.0/../x", ""])
def test_what_is_no_version_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(NotFoundError, match="is not a version"):
        VersionStore(tmp_path).get(version)


def test_an_unknown_version_lists_the_known_ones(tmp_path: Path) -> None:
    store = VersionStore(tmp_path)
    train_one(store)
    with pytest.raises(NotFoundError) as told:
        store.get("m002-9.9")
    assert told.value.fix == "known versions: m002-1.0"


def test_a_ledger_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a database, but long enough to look like one" * 100)
    with pytest.raises(CorruptArtifactError):
        VersionStore(tmp_path).all()
