"""Who a user is stands in one table, which nothing else refers to."""

import pytest
import sqlalchemy as sa

from ledger_world import fill_user_tables, promoted
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.personal_tables import personal_data
from pawl.ledger.tables import TABLES
from pawl.ledger.trade_tables import quick_trades


def test_wallet_and_email_stand_in_one_table_alone() -> None:
    holding = {table.name for table in TABLES for column in table.c if column.name in ("wallet", "email")}
    assert holding == {"personal_data"}


def test_a_user_gets_a_random_id_and_must_be_somebody(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for wallet in ("0xA", "0xB"):
            tx.execute(sa.insert(personal_data).values(wallet=wallet))
        ids = list(tx.execute(sa.select(personal_data.c.user_id)).scalars())
    assert len(set(ids)) == 2
    assert {one.version for one in ids} == {4}
    with pytest.raises(RefusalError, match="ck_personal_data_somebody"), ledger.transaction() as tx:
        tx.execute(sa.insert(personal_data).values(wallet=None))
    with pytest.raises(RefusalError, match=r"(?i)unique"), ledger.transaction() as tx:
        tx.execute(sa.insert(personal_data).values(wallet="0xA"))


def test_whoever_is_forgotten_leaves_what_was_learnt(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        fill_user_tables(tx)
    with ledger.transaction() as tx:
        assert tx.execute(sa.delete(personal_data)).rowcount == 1
        assert len(tx.execute(sa.select(quick_trades)).all()) == 1
