"""Tokens remembered: no longer than promised, and never themselves."""

import asyncio

from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.tokens import create_token, revoke_token
from pawl.serving.token_book import TokenBook
from serving_world import NOW

ANN = identity("user", "ann")


def test_a_token_is_remembered_for_its_time_and_not_a_moment_longer(sqlite_ledger: Ledger) -> None:
    now = [0.0]
    book = TokenBook(sqlite_ledger, 2.0, lambda: now[0])
    with sqlite_ledger.transaction() as tx:
        create_token(tx, "pawl_ann", ANN, "ann", NOW)
    assert asyncio.run(book.user_of("pawl_ann")) == ANN
    with sqlite_ledger.transaction() as tx:
        revoke_token(tx, "ann", NOW)
    now[0] = 1.9
    assert asyncio.run(book.user_of("pawl_ann")) == ANN
    now[0] = 2.0
    assert asyncio.run(book.user_of("pawl_ann")) is None
    assert asyncio.run(book.user_of("pawl_ann")) is None


def test_what_is_remembered_is_no_token(sqlite_ledger: Ledger) -> None:
    book = TokenBook(sqlite_ledger, 2.0, lambda: 0.0)
    with sqlite_ledger.transaction() as tx:
        create_token(tx, "pawl_ann", ANN, "ann", NOW)
    asyncio.run(book.user_of("pawl_ann"))
    assert "pawl_ann" not in str(book._entries)


def test_many_that_ask_at_once_are_told_the_same(sqlite_ledger: Ledger) -> None:
    book = TokenBook(sqlite_ledger, 2.0, lambda: 0.0)
    with sqlite_ledger.transaction() as tx:
        create_token(tx, "pawl_ann", ANN, "ann", NOW)

    async def ask() -> list[object]:
        return await asyncio.gather(*(book.user_of(name) for name in ["pawl_ann", "pawl_bob"] * 20))

    assert asyncio.run(ask()) == [ANN, None] * 20
