"""Preference pairs belong to a dataset version that stands."""

import pytest
import sqlalchemy as sa

from ledger_world import USER, fill_user_tables, promoted
from pawl.errors import RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.pair_tables import preference_pairs


def test_a_pair_comes_back_with_its_margin_to_four_digits(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        fill_user_tables(tx)
        pair = tx.execute(sa.select(preference_pairs)).one()
        found = {name: getattr(pair, name) for name in ("prompt", "chosen", "rejected", "margin_score")}
    assert found == {"prompt": {}, "chosen": {}, "rejected": {}, "margin_score": 12.5}


def test_a_pair_of_no_dataset_version_is_refused(ledger: Ledger) -> None:
    row = {
        "dataset_version_id": USER, "user_id": USER, "trace_id": "t", "prompt": {}, "chosen": {}, "rejected": {},
        "margin_score": 1.0, "pair_quality": "high", "learner": "policy",
    }  # fmt: skip
    with pytest.raises(RefusalError, match=r"(?i)foreign key"), ledger.transaction() as tx:
        tx.execute(sa.insert(preference_pairs).values(row))
