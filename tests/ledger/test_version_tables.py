"""Tables of the versions: at most one champion a learner and role, whoever writes."""

import pytest
import sqlalchemy as sa

from ledger_world import promoted, trained
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger


def test_rev_r39_the_database_refuses_a_second_champion(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        trained(tx, "m002-1.1")
    second = sa.text("UPDATE model_versions SET is_active = true, status = 'champion' WHERE version = 'm002-1.1'")
    with pytest.raises(RefusalError, match=r"(?i)unique"), ledger.transaction() as tx:
        tx.execute(second)


def test_a_champion_that_is_not_active_cannot_be_stored(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
    odd = sa.text("UPDATE model_versions SET is_active = false WHERE version = 'm002-1.0'")
    with pytest.raises(RefusalError, match="ck_model_versions_is_active"), ledger.transaction() as tx:
        tx.execute(odd)
