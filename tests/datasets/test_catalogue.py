"""Versions are found by the beginning of their id, and compared value by value."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ledger_world import START, day
from pawl.datasets.catalogue import differences, find_version, list_versions
from pawl.errors import NotFoundError
from pawl.ids import DatasetHash
from pawl.ledger.database import Ledger
from pawl.ledger.datasets import NewDataset, record_dataset

NEW = NewDataset(
    learner="policy", content_hash=DatasetHash("a" * 64), window_start=START, window_end=day(9), sample_count=5,
    filters={"settings": {"utility": {"w1": 1.0}}, "seed": 7}, quality_report={"n": 3}, dataset_type="sft",
)  # fmt: skip
OTHER = replace(NEW, filters={"settings": {"utility": {"w1": 2.0}}, "seed": 7}, quality_report={"n": 3, "more": [1]})


def test_versions_are_listed_found_and_compared(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        first, second = record_dataset(tx, NEW, START), record_dataset(tx, OTHER, START + timedelta(hours=1))
    with ledger.reading() as tx:
        assert [one.dataset_version_id for one in list_versions(tx)] == [second, first]
        for prefix in (str(first), first.hex, str(first)[:12].upper(), f" {str(first)[:12]}"):
            assert find_version(tx, prefix).dataset_version_id == first
        for unknown in ("", "zz", "../", "%", str(START)):
            with pytest.raises(NotFoundError, match="pawl dataset ls"):
                find_version(tx, unknown)
        one, other = find_version(tx, str(first)), find_version(tx, str(second))
    assert [(each.name, each.first, each.second) for each in differences(one, other)] == [
        ("filters.settings.utility.w1", 1.0, 2.0), ("quality.more", None, [1]),
    ]  # fmt: skip
    assert differences(one, one) == []


def test_a_beginning_that_two_versions_share_names_neither(sqlite_ledger: Ledger) -> None:
    with sqlite_ledger.transaction() as tx:
        ids = [record_dataset(tx, replace(NEW, filters={"seed": seed}), START) for seed in range(20)]
    shared = next(digit for digit in "0123456789abcdef" if sum(one.hex[0] == digit for one in ids) > 1)
    with sqlite_ledger.reading() as tx, pytest.raises(NotFoundError, match="dataset versions whose id begins"):
        find_version(tx, shared)
