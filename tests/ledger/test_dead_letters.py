"""What is parked keeps one letter, and is let go once."""

from datetime import timedelta

import pytest

from ledger_world import day
from pawl.errors import NotFoundError, RefusalError
from pawl.ledger.database import Ledger
from pawl.ledger.dead_letters import get_letter, letters_of, list_letters, mark_retried, park
from pawl.ledger.identity import identity


def test_an_item_keeps_its_letter_however_often_it_is_parked(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        park(tx, "eval-worker", "m002-1.0", "no bars", 5, day(1))
        park(tx, "eval-worker", "m002-1.1", "no bars", 5, day(2))
        first, second = list_letters(tx)
        mark_retried(tx, first.letter_id, day(3))
        assert [one.status for one in list_letters(tx)] == ["retried", "parked"]
        assert list_letters(tx, "parked") == [second]
        park(tx, "eval-worker", "m002-1.0", "still none", 2, day(4))
        again = get_letter(tx, first.letter_id)
    assert (again.error, again.attempts, again.status) == ("still none", 2, "parked")
    assert again.updated_at - again.created_at == timedelta(days=3)


def test_a_letter_is_let_go_once(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        park(tx, "eval-worker", "m002-1.0", "no bars", 5, day(1))
        (letter,) = letters_of(tx, "eval-worker").values()
        assert letters_of(tx, "train-orchestrator") == {}
        mark_retried(tx, letter.letter_id, day(2))
    with pytest.raises(RefusalError, match="was retried at 2024-01-03"), ledger.transaction() as tx:
        mark_retried(tx, letter.letter_id, day(3))


def test_an_unknown_letter_is_named(ledger: Ledger) -> None:
    with pytest.raises(NotFoundError, match="no dead letter"), ledger.transaction() as tx:
        mark_retried(tx, identity("letter", "nobody"), day(1))
