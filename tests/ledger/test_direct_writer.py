"""One writer in its own thread: written when the call returns, refused as everywhere, and in step with others."""

import pytest

from ledger_world import day
from pawl.errors import AlreadyClosedError, IdempotencyConflictError
from pawl.ledger.chain_check import check_chains
from pawl.ledger.database import Ledger
from pawl.ledger.direct_writer import DirectWriter
from user_commands import close_trade, open_trade, track_signal


def test_what_is_written_stands_and_is_given_back_the_second_time(ledger: Ledger) -> None:
    with DirectWriter(ledger, lambda: day(40)) as writer:
        first, again = writer.write(open_trade("one")), writer.write(open_trade("one"))
    assert (first.is_new, again.is_new) == (True, False)
    assert again.event_id == first.event_id
    with ledger.reading() as tx:
        report = check_chains(tx)
    assert (report.rows, list(report.breaks)) == (1, [])


def test_a_refusal_is_raised_and_the_next_is_written(ledger: Ledger) -> None:
    with DirectWriter(ledger, lambda: day(40)) as writer:
        opened = writer.write(open_trade("one"))
        writer.write(close_trade("end", opened.source_event_id, day(2)))
        with pytest.raises(AlreadyClosedError):
            writer.write(close_trade("end again", opened.source_event_id, day(2)))
        with pytest.raises(IdempotencyConflictError):
            writer.write(track_signal("one"))
        assert writer.write(open_trade("two")).is_new


def test_two_writers_take_turns_on_one_chain(ledger: Ledger) -> None:
    with DirectWriter(ledger, lambda: day(40)) as one, DirectWriter(ledger, lambda: day(40)) as other:
        for number in range(6):
            (one, other)[number % 2].write(open_trade(f"trade {number}"))
    with ledger.reading() as tx:
        report = check_chains(tx)
    assert (report.rows, list(report.breaks)) == (6, [])
