"""Who a user is: one row a user, and no two users are the same person."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.personal_data import IdentityTakenError, keep_personal_data
from pawl.ledger.personal_tables import personal_data

NOW = datetime(2024, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
ANN, BOB = identity("user", "ann"), identity("user", "bob")
WALLET = "0x52908400098527886E0F7030069857D2E4169EE7"


def _rows(ledger: Ledger) -> list[tuple[object, ...]]:
    with ledger.reading() as tx:
        return [tuple(row) for row in tx.execute(sa.select(personal_data).order_by(personal_data.c.created_at)).all()]


def test_what_is_known_stays_and_what_is_new_is_added(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        keep_personal_data(tx, ANN, NOW, wallet=WALLET)
    with ledger.transaction() as tx:
        keep_personal_data(tx, ANN, LATER, email=" Ann@Example.com ")
        keep_personal_data(tx, ANN, LATER + timedelta(days=1), email="ann@example.com", wallet=WALLET)
        keep_personal_data(tx, BOB, LATER)
    assert _rows(ledger) == [(ANN, WALLET.lower(), "ann@example.com", NOW, LATER)]


def test_case_counts_in_a_wallet_that_is_not_hexadecimal(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        keep_personal_data(tx, ANN, NOW, wallet="1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
        keep_personal_data(tx, BOB, LATER, wallet="1a1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
    assert len(_rows(ledger)) == 2


@pytest.mark.parametrize("stolen", [{"wallet": WALLET.upper().replace("X", "x")}, {"email": "ANN@example.com"}])
def test_another_users_identity_is_refused_without_being_named(ledger: Ledger, stolen: dict[str, str]) -> None:
    with ledger.transaction() as tx:
        keep_personal_data(tx, ANN, NOW, wallet=WALLET, email="ann@example.com")
    before = _rows(ledger)
    with pytest.raises(IdentityTakenError) as caught, ledger.transaction() as tx:
        keep_personal_data(tx, BOB, LATER, **stolen)
    assert _rows(ledger) == before
    said = f"{caught.value} {caught.value.__cause__} {caught.value.__suppress_context__}".lower()
    assert WALLET.lower() not in said and "ann@" not in said and str(ANN) not in said
