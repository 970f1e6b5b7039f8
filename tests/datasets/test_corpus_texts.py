"""Texts from outside come with a source and a licence, or not at all."""

from datetime import timedelta

import pytest

from decision_events import START
from pawl.datasets.corpus_texts import add_text, documents_before
from pawl.errors import InputError, RefusalError
from pawl.ledger.database import Ledger


def test_pass_r16_a_text_is_kept_with_its_licence_once_and_from_its_day_on(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        first = add_text(tx, "A basis point is a hundredth of a percent.\r\n", " a book ", "CC0-1.0", START)
        assert add_text(tx, "A basis point is a hundredth of a percent.", "elsewhere", "MIT", START) == first
        add_text(tx, "Ask ann@example.com.", "a mail from bob@example.com", "CC0-1.0", START + timedelta(days=1))
    with ledger.reading() as tx:
        assert documents_before(tx, START).height == 0
        assert documents_before(tx, START + timedelta(seconds=1)).rows() == [
            ("A basis point is a hundredth of a percent.", "a book", "CC0-1.0")
        ]
        assert set(documents_before(tx, START + timedelta(days=2)).rows()) > {
            ("Ask [email].", "a mail from [email]", "CC0-1.0")
        }


@pytest.mark.parametrize(("source", "licence"), [("a book", ""), ("a book", " NONE "), ("", "MIT"), ("a", "unknown")])
def test_pass_r16_a_text_without_licence_or_source_is_refused(ledger: Ledger, source: str, licence: str) -> None:
    with ledger.transaction() as tx:
        with pytest.raises(RefusalError, match="licence"):
            add_text(tx, "Words.", source, licence, START)
        assert documents_before(tx, START + timedelta(days=9)).height == 0


@pytest.mark.parametrize("content", ["", " \n ", "a\0b"])
def test_a_text_of_nothing_is_refused(sqlite_ledger: Ledger, content: str) -> None:
    with sqlite_ledger.transaction() as tx, pytest.raises(InputError):
        add_text(tx, content, "a book", "MIT", START)
