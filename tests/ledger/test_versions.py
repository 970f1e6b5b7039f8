"""The five things the registry asks of the versions, with its own JSON records."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger_world import START, judged, trained
from pawl.errors import InputError, NotFoundError, RefusalError
from pawl.ids import DatasetHash
from pawl.learners.certificate import Certificate
from pawl.ledger.database import Ledger
from pawl.ledger.versions import LedgerVersions

CERTIFICATE = Certificate(
    dataset_hash=DatasetHash("d" * 64), max_ts=START, max_t1=START, first_allowed=START, seed=7, code="abc",
    libraries={"torch": "2.13.0"},
)  # fmt: skip


def record(version: str) -> dict[str, object]:
    return {
        "version": version, "learner": version.split("-")[0], "artifact": "a" * 64,
        "trained_at": "2024-01-01T12:00:00+00:00", "tickers": ["BTCUSDT"], "certificate": CERTIFICATE.to_json(),
        "metrics": {"hit_rate": 0.52, "sharpe": None}, "baselines": {"linear": {"hit_rate": 0.5}},
    }  # fmt: skip


@pytest.fixture
def versions(ledger: Ledger) -> LedgerVersions:
    return LedgerVersions(ledger, lambda: datetime.now(UTC))


def test_a_record_comes_back_as_it_was_handed_in(versions: LedgerVersions) -> None:
    version = versions.claim("m002")
    versions.record(record(version))
    assert versions.get("m002-1.0") == record("m002-1.0")
    assert Certificate.from_json(versions.get("m002-1.0")["certificate"]) == CERTIFICATE


def test_a_claim_without_a_record_counts_and_is_not_listed(versions: LedgerVersions) -> None:
    assert [versions.claim("m002") for _ in range(3)] == ["m002-1.0", "m002-1.1", "m002-1.2"]
    versions.record(record("m002-1.2"))
    assert [one["version"] for one in versions.all()] == ["m002-1.2"]
    assert (versions.count("m002"), versions.count("risk")) == (3, 0)
    with pytest.raises(NotFoundError, match="no version"):
        versions.get("m002-1.0")


def test_a_version_is_recorded_once(versions: LedgerVersions) -> None:
    versions.record(record("m002-1.0"))
    with pytest.raises(RefusalError, match="recorded already"):
        versions.record(record("m002-1.0"))


def test_a_record_finds_its_training_job(versions: LedgerVersions, tmp_path: Path) -> None:
    with versions.ledger.transaction() as tx:
        trained(tx, "m002-1.0")
        assert judged(tx, "m002-1.0").verdict.passed
    assert versions.get("m002-1.0")["artifact"] == "a" * 64


@pytest.mark.parametrize("missing", ["certificate", "trained_at", "artifact"])
def test_a_record_that_lacks_something_is_named(versions: LedgerVersions, missing: str) -> None:
    broken = {name: value for name, value in record("m002-1.0").items() if name != missing}
    with pytest.raises(InputError, match=missing):
        versions.record(broken)
