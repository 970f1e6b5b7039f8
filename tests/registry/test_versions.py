"""Version numbers and records."""

from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pawl.errors import CorruptArtifactError, NotFoundError
from pawl.ids import DatasetHash, ModelVersion
from pawl.learners.certificate import Certificate
from pawl.registry.versions import VersionNumber, VersionRecord, VersionStore

READ_UNTIL = datetime(2023, 12, 31, tzinfo=UTC)


def record_of(version: str) -> VersionRecord:
    certificate = Certificate(
        dataset_hash=DatasetHash("d" * 64),
        max_ts=READ_UNTIL,
        max_t1=READ_UNTIL,
        first_allowed=datetime(2024, 1, 6, tzinfo=UTC),
        seed=7,
        code="0.1.0+abc",
        libraries={"numpy": "2.4"},
    )
    return VersionRecord(
        version=ModelVersion(version),
        learner="m002",
        artifact="a" * 64,
        trained_at="2024-01-01T00:00:00+00:00",
        tickers=("BTCUSDT",),
        certificate=certificate,
        metrics={"sharpe": 1.5, "hit_rate": None},
        baselines={"linear": {"sharpe": 0.5}},
    )


def claim_ten(root: Path) -> list[str]:
    return [VersionStore(root).claim("m002") for _ in range(10)]


def test_numbers_start_at_one_and_compare_as_integers(tmp_path: Path) -> None:
    store = VersionStore(tmp_path)
    claimed = [store.claim("m002") for _ in range(12)]
    assert claimed[0] == "m002-1.0"
    assert claimed[-1] == "m002-1.11"
    assert max(claimed, key=VersionNumber.parse) == "m002-1.11"


def test_a_number_is_never_used_again_even_when_its_training_failed(tmp_path: Path) -> None:
    store = VersionStore(tmp_path)
    store.claim("m002")
    second = store.claim("m002")
    store.record(record_of(second))
    assert [record.version for record in store.all()] == ["m002-1.1"]
    assert store.claim("m002") == "m002-1.2"
    assert store.count("m002") == 3


def test_processes_that_claim_at_once_never_get_the_same_number(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        claimed = [number for ten in pool.map(claim_ten, [tmp_path] * 4) for number in ten]
    assert sorted(claimed, key=VersionNumber.parse) == [f"m002-1.{minor}" for minor in range(40)]


def test_what_is_recorded_is_read_back(tmp_path: Path) -> None:
    store = VersionStore(tmp_path)
    store.record(record_of("m002-1.0"))
    assert store.get("m002-1.0") == record_of("m002-1.0")


def test_versions_are_listed_by_number(tmp_path: Path) -> None:
    store = VersionStore(tmp_path)
    for version in ("m002-1.10", "m002-1.9", "m002-1.0"):
        store.record(record_of(version))
    assert [record.version for record in store.all()] == ["m002-1.0", "m002-1.9", "m002-1.10"]


@pytest.mark.parametrize("version", ["m002", "m002-1", "1.0", "m002-1.0/../x", ""])
def test_what_is_no_version_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(NotFoundError, match="is not a version"):
        VersionStore(tmp_path).get(version)


def test_an_unknown_version_lists_the_known_ones(tmp_path: Path) -> None:
    store = VersionStore(tmp_path)
    store.record(record_of("m002-1.0"))
    with pytest.raises(NotFoundError, match=r"known versions: m002-1\.0"):
        store.get("m002-9.9")


def test_a_spoiled_record_is_told(tmp_path: Path) -> None:
    store = VersionStore(tmp_path)
    store.record(record_of("m002-1.0"))
    (tmp_path / "m002-1.0.json").write_text('{"version": "m002-1.0"}')
    with pytest.raises(CorruptArtifactError, match="cannot be read"):
        store.get("m002-1.0")
