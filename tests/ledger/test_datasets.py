"""A dataset version is known by what it holds."""

from dataclasses import replace

import sqlalchemy as sa

from ledger_world import START, day
from pawl.ids import DatasetHash
from pawl.ledger.database import Ledger
from pawl.ledger.datasets import NewDataset, record_dataset
from pawl.ledger.training_tables import dataset_versions

DATASET = NewDataset(
    learner="m002",
    content_hash=DatasetHash("d" * 64),
    window_start=START,
    window_end=day(90),
    sample_count=540,
    filters={"tickers": ["BTCUSDT"], "seed": 7},
    quality_report={"left_out": {}},
)


def test_the_same_dataset_again_is_one_row(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        first = record_dataset(tx, DATASET, START)
        again = record_dataset(tx, replace(DATASET, filters={"seed": 7, "tickers": ["BTCUSDT"]}), day(1))
        row = tx.execute(sa.select(dataset_versions)).one()
    assert first == again == row.dataset_version_id
    assert (row.created_at, row.sample_count, row.filters) == (START, 540, dict(DATASET.filters))


def test_other_rows_filters_or_windows_are_another_dataset() -> None:
    others = [
        replace(DATASET, content_hash=DatasetHash("e" * 64)),
        replace(DATASET, filters={"tickers": ["ETHUSDT"], "seed": 7}),
        replace(DATASET, window_end=day(91)),
        replace(DATASET, learner="risk"),
    ]
    assert len({DATASET.dataset_version_id, *(one.dataset_version_id for one in others)}) == 5
