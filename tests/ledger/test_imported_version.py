"""The version that reversal came with: on record, retired, and never again a candidate."""

import pytest

from ledger_world import START
from pawl.errors import RefusalError
from pawl.learners.certificate import Certificate
from pawl.ledger.database import Ledger
from pawl.ledger.imported_version import import_retired
from pawl.ledger.model_versions import NewVersion, get_version, list_challengers, list_versions, record_version
from pawl.ledger.version_number import claim_number


def test_3_2_is_written_down_once_and_the_next_is_3_3(ledger: Ledger) -> None:
    for _ in range(2):
        with ledger.transaction() as tx:
            number = import_retired(tx, "reversal", START)
    assert str(number) == "reversal-3.2"
    with ledger.transaction() as tx:
        assert [(one.version, one.status, one.is_active) for one in list_versions(tx)] == [
            ("reversal-3.2", "retired", False)
        ]
        assert list_challengers(tx, None) == []
        assert str(claim_number(tx, "reversal", START)) == "reversal-3.3"
        stored = get_version(tx, "reversal-3.2")
    assert Certificate.from_json(stored.certificate).max_t1.isoformat() == "2025-10-14T00:00:00+00:00"


def test_a_daily_update_of_it_has_a_parent_that_resolves(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        import_retired(tx, "reversal", START)
        parent = get_version(tx, "reversal-3.2")
        fields = {name: getattr(parent, name) for name in NewVersion.__dataclass_fields__}
        daily = {"version": "reversal-3.2-daily-20251021", "model_type": "incremental", "parent": parent.version}
        record_version(tx, NewVersion(**{**fields, **daily}), START)
        assert get_version(tx, "reversal-3.2-daily-20251021").parent == "reversal-3.2"
    with pytest.raises(RefusalError), ledger.transaction() as tx:
        record_version(tx, NewVersion(**fields), START)


def test_other_learners_came_with_none(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        assert import_retired(tx, "m002", START) is None
        assert list_versions(tx) == []
