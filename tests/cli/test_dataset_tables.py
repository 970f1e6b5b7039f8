"""What `pawl dataset` prints."""

import io
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from rich.console import Console, RenderableType

from pawl.cli.dataset_tables import built_text, diff_text, list_text, verified_text, version_text
from pawl.datasets.catalogue import Difference, StoredVersion
from pawl.datasets.versions import BuiltDataset, VerifiedDataset
from pawl.ids import DatasetHash

QUALITY: dict[str, Any] = {
    "n_finished": 1234, "n_outside": 0, "n_later_information": 2, "n_rule_breakers": 30, "n_duplicates": 4,
    "split": {"n_train": 900, "n_eval": 250, "n_gap": 50, "gap_sec": 86_400.0}, "ambiguous_share": 0.125,
    "quarantine": {"n": 7, "trajectory_ids": []},
}  # fmt: skip
NAME = UUID("12345678-0000-5000-8000-000000000000")
STORED = StoredVersion(
    dataset_version_id=NAME, dataset_type="orpo", learner="policy", window_start=datetime(2024, 3, 1, tzinfo=UTC),
    window_end=datetime(2024, 4, 1, tzinfo=UTC), sample_count=4321, content_hash="ab" * 32,
    created_at=datetime(2024, 5, 1, 9, 30, tzinfo=UTC), filters={"seed": 7, "settings": {}}, quality_report=QUALITY,
)  # fmt: skip


def lines(text: RenderableType) -> list[str]:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(text)
    return [line.rstrip() for line in console.export_text().splitlines()]


def built(is_new: bool) -> BuiltDataset:
    return BuiltDataset(
        dataset_version_id=NAME, content_hash=DatasetHash("ab" * 32), sample_count=4321, quality=QUALITY, is_new=is_new
    )


def test_a_built_version_says_what_it_left_out() -> None:
    assert lines(built_text(built(is_new=True), "orpo")) == [
        "built orpo 12345678: 4,321 samples, hash abababababab",
        "of  1,234 finished decisions",
        "2   holding later information",
        "30  breaking a risk rule",
        "4   saying what another says",
        "training 900, evaluation 250, in the gap of 24 h between them 50; ambiguous 12.5%",
        "quarantined, for they contradict each other: 7",
        "Next: pawl dataset verify 12345678",
    ]
    assert lines(built_text(built(is_new=False), "orpo"))[0].startswith("stands already: orpo 12345678")


def test_versions_are_listed_in_columns() -> None:
    assert lines(list_text([STORED])) == [
        "id        type  decisions                samples  hash          built at",
        "12345678  orpo  2024-03-01 … 2024-04-01  4,321    abababababab  2024-05-01 09:30",
        "Next: pawl dataset show 12345678",
    ]
    assert lines(list_text([]))[0] == "no dataset version so far"


def test_a_version_shows_what_it_was_built_from() -> None:
    shown = lines(version_text(STORED))
    assert shown[0] == f"orpo {NAME}: 4,321 samples"
    assert "seed        7" in shown
    assert shown[-1] == "All of it: --json. Next: pawl dataset verify 12345678"


def test_a_verification_answers_first() -> None:
    good = VerifiedDataset(
        content_hash="ab" * 32, rebuilt_hash="ab" * 32, sample_count=4321, rebuilt_count=4321, file="same"
    )  # fmt: skip
    assert lines(verified_text(STORED, good))[0].startswith("identical: orpo 12345678 was built again")
    bad = VerifiedDataset(
        content_hash="ab" * 32, rebuilt_hash="cd" * 32, sample_count=4321, rebuilt_count=4320, file="changed"
    )  # fmt: skip
    found = lines(verified_text(STORED, bad))
    assert found[0] == "not identical: orpo 12345678"
    assert "samples  4,321         4,320" in found


def test_a_difference_is_a_line() -> None:
    found = lines(diff_text(STORED, STORED, [Difference(name="filters.seed", first=7, second=None)]))
    assert found[0] == "the same rows; 1 values differ"
    assert found[-1] == "filters.seed  7         –"
    assert lines(diff_text(STORED, STORED, [])) == ["12345678 and 12345678 are one version"]
