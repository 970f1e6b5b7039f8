"""A selection comes back as it was held."""

from ledger_world import day, held_selection, promoted
from pawl.ledger.database import Ledger
from pawl.ledger.monthly_selections import NewSelection, find_selection, newest_selection, record_selection


def test_a_selection_comes_back_as_it_was_recorded(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        moved = promoted(tx, "m002-1.0", on=1)
        new = held_selection(
            best="m002-1.0", act="promoted", eval_id=moved.eval_id, scored_from=day(2), reason="it passed",
            ranking=[{"version": "m002-1.0", "place": 1, "score": 0.5}], retired={"m002-0.9": "poor"}, removed=["x"],
        )  # fmt: skip
        recorded = record_selection(tx, new)
    with ledger.reading() as tx:
        found = find_selection(tx, "m002", "policy", day(32))
    assert found == recorded
    assert {name: getattr(found, name) for name in NewSelection.__dataclass_fields__} == {
        name: getattr(new, name) for name in NewSelection.__dataclass_fields__
    }


def test_of_a_month_held_twice_the_newest_is_told(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        record_selection(tx, held_selection(on=32))
        record_selection(tx, held_selection(on=33, reason="held again"))
        found = newest_selection(tx, "m002", "policy", "2024-01")
        assert found is not None and found.reason == "held again"
        assert newest_selection(tx, "m002", "policy", "2024-02") is None
        assert newest_selection(tx, "reversal", "policy", "2024-01") is None
        assert find_selection(tx, "m002", "policy", day(34)) is None
