"""Tokens: kept as hashes, ended for good, and found by whoever holds one alone."""

import hashlib
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from pawl.errors import InputError, NotFoundError
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.service_tables import api_tokens
from pawl.ledger.tokens import create_token, has_token, list_tokens, revoke_token, user_of

NOW = datetime(2024, 1, 1, tzinfo=UTC)
ANN, BOB = identity("user", "ann"), identity("user", "bob")


def test_a_token_acts_as_its_user_until_it_is_revoked(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        assert not has_token(tx)
        token_id = create_token(tx, "pawl_a", ANN, "ann", NOW)
        create_token(tx, "pawl_b", BOB, "bob", NOW)
        assert (user_of(tx, "pawl_a"), user_of(tx, "pawl_b"), user_of(tx, "pawl_c")) == (ANN, BOB, None)
        ended = revoke_token(tx, str(token_id), NOW)
        assert (ended.name, ended.revoked_at) == ("ann", NOW)
        assert (user_of(tx, "pawl_a"), user_of(tx, "pawl_b")) == (None, BOB)
        revoke_token(tx, "bob", NOW)
        assert not has_token(tx)
        assert [one.name for one in list_tokens(tx)] == ["ann", "bob"]


def test_the_ledger_keeps_the_hash_and_not_the_token(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        create_token(tx, "pawl_secret", ANN, "ann", NOW)
        (row,) = tx.execute(sa.select(api_tokens)).all()
    assert row.token_hash == hashlib.sha256(b"pawl_secret").hexdigest()
    assert "pawl_secret" not in str(tuple(row))


@pytest.mark.parametrize("name", ["", " ", " ann", "ann ", "a\nb", "a\x1b[31m", "x" * 101])
def test_a_name_that_cannot_be_printed_is_refused(sqlite_ledger: Ledger, name: str) -> None:
    with sqlite_ledger.transaction() as tx, pytest.raises(InputError, match="name"):
        create_token(tx, "pawl_a", ANN, name, NOW)


def test_a_name_is_free_again_once_its_token_has_ended(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        create_token(tx, "pawl_a", ANN, "ann", NOW)
        with pytest.raises(InputError, match="holds already"):
            create_token(tx, "pawl_b", ANN, "ann", NOW)
        revoke_token(tx, "ann", NOW)
        create_token(tx, "pawl_b", ANN, "ann", NOW)
        assert user_of(tx, "pawl_b") == ANN
        with pytest.raises(NotFoundError):
            revoke_token(tx, "nobody", NOW)


def test_a_token_of_any_characters_is_looked_up(sqlite_ledger: Ledger) -> None:
    with sqlite_ledger.reading() as tx:
        assert [user_of(tx, token) for token in ("", "\udcff", "é", "' OR 1=1 --", "x" * 100_000)] == [None] * 5
