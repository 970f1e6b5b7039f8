"""Two lives side by side."""

from ledger_world import trained
from pawl.jobs.live.run_facts import Fact, facts_of, first_difference
from pawl.ledger.database import Ledger


def test_what_differs_is_named_on_both_sides() -> None:
    ours, theirs = Fact(rows=("a", "b", "c")), Fact(rows=("a", "c", "d"))
    assert first_difference(ours, ours) is None
    assert first_difference(ours, theirs) == ("b", "d")
    assert first_difference(ours, Fact(rows=("a", "b"))) == ("c", None)
    assert ours.n == 3 and ours.sha256 != theirs.sha256


def test_every_column_counts(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        before = facts_of(tx)
    with ledger.transaction() as tx:
        trained(tx, "m002-1.0")
    with ledger.reading() as tx:
        after = facts_of(tx)
    assert {name for name in before if before[name] != after[name]} == {"versions"}
    assert before["versions"].n == 0 and after["versions"].n == 1
