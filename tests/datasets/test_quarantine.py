"""What a set of pairs leaves in the ledger, on both databases."""

from datetime import timedelta

import polars as pl
import pytest
import sqlalchemy as sa

from decision_events import START, chain, record, told_rows
from ledger_world import day
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.quarantine import label_ambiguous, write_pairs
from pawl.datasets.trajectories import fold_events
from pawl.errors import RefusalError
from pawl.ids import DatasetHash
from pawl.ledger.database import Ledger
from pawl.ledger.datasets import NewDataset, record_dataset
from pawl.ledger.identity import identity
from pawl.ledger.pair_tables import preference_pairs


def test_pairs_are_written_with_their_version_and_stay(ledger: Ledger) -> None:
    pairs = pl.DataFrame(
        {
            "chosen_id": [str(identity("trajectory", 1))], "rejected_id": [str(identity("trajectory", 2))],
            "user_id": [str(identity("user", 1))], "trace_id": ["u/1"], "prompt": ['{"ticker":"BTCUSDT"}'],
            "chosen": ['{"direction":"long"}'], "rejected": ['{"direction":"short"}'], "margin_score": [12.34567],
            "pair_quality": ["low"],
        }
    )  # fmt: skip
    new = NewDataset(
        learner="policy", content_hash=DatasetHash("a" * 64), window_start=START, window_end=day(99), sample_count=1,
        filters={}, quality_report={}, dataset_type="orpo",
    )  # fmt: skip
    with ledger.transaction() as tx:
        write_pairs(tx, record_dataset(tx, new, START), pairs, "policy", START)
    with ledger.reading() as tx:
        row = tx.execute(sa.select(preference_pairs)).one()
    assert (row.prompt, row.chosen, row.rejected) == (
        {"ticker": "BTCUSDT"}, {"direction": "long"}, {"direction": "short"},
    )  # fmt: skip
    assert (row.margin_score, row.pair_quality, row.user_id) == (12.3457, "low", identity("user", 1))
    with pytest.raises(RefusalError), ledger.transaction() as tx:
        tx.execute(sa.update(preference_pairs).values(pair_quality="high"))


def test_only_the_named_become_ambiguous(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        names = record(tx, [*chain("a"), *chain("b", START + timedelta(days=1))])
        fold_events(tx, names, PassportSettings(), START)
    with ledger.reading() as tx:
        first, second = told_rows(tx)
    with ledger.transaction() as tx:
        label_ambiguous(tx, pl.Series([first["trajectory_id"].hex]))
        label_ambiguous(tx, pl.Series([], dtype=pl.String))
    with ledger.reading() as tx:
        assert [row["label_quality"] for row in told_rows(tx)] == ["ambiguous", second["label_quality"]]
