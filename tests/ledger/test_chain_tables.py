"""Every chained table hangs its rows on one chain a month, and no two of them on the same row."""

import pytest
import sqlalchemy as sa

from pawl.errors import RefusalError
from pawl.ledger.chain import CHAINS
from pawl.ledger.chain_tables import CHAIN_COLUMNS, chain_heads
from pawl.ledger.database import Ledger

MOVING = {
    "passport_event_outbox": {"processed_at", "attempts", "next_attempt_at"},
    "decision_trajectories": {"outcome_features", "utility_score", "label_quality"},
}


@pytest.mark.parametrize("name", CHAINS)
def test_the_hash_is_over_every_column_that_stays(ledger: Ledger, name: str) -> None:
    with ledger.reading() as tx:
        columns = {one["name"] for one in sa.inspect(tx).get_columns(name)}
        indexes = {one["name"]: one["unique"] for one in sa.inspect(tx).get_indexes(name)}
    assert columns - set(CHAIN_COLUMNS) - MOVING.get(name, set()) == set(CHAINS[name].columns)
    assert indexes[f"uq_{name}_place"]


TRIGGERS = {
    "sqlite": "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%no_fork'",
    "postgresql": "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%no_fork'",
}


def test_every_chained_table_asks_for_the_row_before(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        found = tx.execute(sa.text(TRIGGERS[tx.dialect.name])).scalars().all()
    assert sorted(found) == sorted(CHAINS)


def test_a_chain_has_one_head_and_no_fewer_rows_than_none(ledger: Ledger) -> None:
    head = {"table_name": "pnl_entries", "chain_month": "2024-01", "n_rows": 0, "head_hash": "h"}
    with ledger.transaction() as tx:
        tx.execute(sa.insert(chain_heads).values(head))
    with pytest.raises(RefusalError), ledger.transaction() as tx:
        tx.execute(sa.insert(chain_heads).values(head))
    with pytest.raises(RefusalError, match="ck_chain_heads_n_rows"), ledger.transaction() as tx:
        tx.execute(sa.update(chain_heads).values(n_rows=-1))
