"""The certificate: nobody scores a version on what it has read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pawl.errors import CorruptArtifactError, OverlapError
from pawl.ids import DatasetHash, ModelVersion
from pawl.learners.certificate import Certificate

CERTIFICATE = Certificate(
    dataset_hash=DatasetHash("d" * 64),
    max_ts=datetime(2023, 12, 30, tzinfo=UTC),
    max_t1=datetime(2023, 12, 31, tzinfo=UTC),
    scored_from=datetime(2023, 10, 1, tzinfo=UTC),
    first_allowed=datetime(2024, 1, 6, tzinfo=UTC),
    seed=7,
    code="0.1.0+abc",
    libraries={"numpy": "2.4"},
)


def test_a_range_that_starts_a_moment_too_early_is_refused_with_the_first_allowed_date() -> None:
    early = CERTIFICATE.first_allowed - timedelta(microseconds=1)
    with pytest.raises(OverlapError) as refused:
        CERTIFICATE.require_unread(ModelVersion("m002-1.0"), early)
    assert refused.value.exit_code == 2
    assert "2024-01-06" in refused.value.fix


def test_the_first_allowed_date_itself_may_be_scored() -> None:
    CERTIFICATE.require_unread(ModelVersion("m002-1.0"), CERTIFICATE.first_allowed)


def test_a_certificate_survives_json() -> None:
    assert Certificate.from_json(CERTIFICATE.to_json()) == CERTIFICATE


@pytest.mark.parametrize("spoiled", ["max_t1", "first_allowed"])
def test_a_spoiled_certificate_is_told(spoiled: str) -> None:
    with pytest.raises(CorruptArtifactError, match="certificate"):
        Certificate.from_json({**CERTIFICATE.to_json(), spoiled: "yesterday"})


def test_a_certificate_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        CERTIFICATE.seed = 8  # type: ignore[misc]
    assert replace(CERTIFICATE, seed=8) != CERTIFICATE
