"""What the database refuses of a monthly selection."""

import pytest

from ledger_world import held_selection, promoted
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.monthly_selections import record_selection


def test_a_move_without_a_verdict_is_refused(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
    for act in ("promoted", "rollout"):
        with pytest.raises(RefusalError, match="ck_monthly_selections_verdict"), ledger.transaction() as tx:
            record_selection(tx, held_selection(act=act, best="m002-1.0"))


def test_an_instant_has_one_selection(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        record_selection(tx, held_selection())
    with pytest.raises(RefusalError), ledger.transaction() as tx:
        record_selection(tx, held_selection(reason="another"))
