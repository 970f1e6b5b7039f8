"""Tables of the live loop: bars as they were first seen, trades with a whole end or none."""

import pytest
import sqlalchemy as sa

from ledger_world import START, USER, day, fill_user_tables, promoted
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.live_tables import market_data, user_trading_history

SPECIFIED = {
    "market_data": "pair timeframe timestamp open high low close volume indicators closed_at source ingested_at",
    "user_trading_history": "id user_id pair opened_at closed_at entry exit pnl signal_id",
}


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    """A ledger with one row in each table."""
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        fill_user_tables(tx)
    return ledger


@pytest.mark.parametrize("table", SPECIFIED)
def test_columns_of_the_spec_are_there_to_the_letter(ledger: Ledger, table: str) -> None:
    with ledger.reading() as tx:
        found = [column["name"] for column in sa.inspect(tx).get_columns(table)]
    wanted = SPECIFIED[table].split()
    assert found[: len(wanted)] == wanted


def test_rev_r2_a_bar_stands_once(filled: Ledger) -> None:
    with filled.reading() as tx:
        row = dict(tx.execute(sa.select(market_data)).mappings().one())
    with pytest.raises(RefusalError, match=r"(?i)unique"), filled.transaction() as tx:
        tx.execute(sa.insert(market_data).values({**row, "close": 9.9}))
    with filled.transaction() as tx:
        tx.execute(sa.insert(market_data).values({**row, "pair": "USDJPY"}))


def test_rev_r2_a_stored_bar_cannot_be_changed(filled: Ledger) -> None:
    with pytest.raises(RefusalError, match="market_data is append-only"), filled.transaction() as tx:
        tx.execute(sa.update(market_data).values(indicators={"ret_1": 0.1}))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"closed_at": day(1)}, "ck_user_trading_history_(exit|pnl)"),
        ({"closed_at": day(1), "exit": 1.2}, "ck_user_trading_history_pnl"),
        ({"entry": -1.0}, "ck_user_trading_history_positive"),
        ({"closed_at": day(-1), "exit": 1.2, "pnl": 0.1}, "ck_user_trading_history_times"),
        ({"signal_id": USER}, "(?i)foreign key"),
    ],
)
def test_a_trade_has_a_whole_end_or_none(filled: Ledger, change: dict[str, object], rule: str) -> None:
    with pytest.raises(RefusalError, match=rule), filled.transaction() as tx:
        tx.execute(sa.update(user_trading_history).values(change))


def test_no_bar_is_seen_before_it_closes(filled: Ledger) -> None:
    with filled.reading() as tx:
        row = dict(tx.execute(sa.select(market_data)).mappings().one())
    early = {**row, "pair": "GBPUSD", "closed_at": day(1), "ingested_at": START}
    with pytest.raises(RefusalError, match="ck_market_data_closed"), filled.transaction() as tx:
        tx.execute(sa.insert(market_data).values(early))
