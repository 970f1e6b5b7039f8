"""Decisions written in one statement are the same rows in the same chain; what that cannot do takes the long way."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from ledger_world import START, USER, day
from pawl.ledger.database import Ledger
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.identity import identity
from pawl.ledger.inferences import append_inferences
from pawl.ledger.one_round_trip import OneRoundTrip
from pawl.ledger.tables import METADATA
from pawl.ledger.write_commands import WriteCommand
from pawl.ledger.write_paths import apply_writes
from pawl.ledger.write_rules import prepare
from recorded_decision import INFERENCE
from user_commands import ADVICE, close_trade, open_trade, track_signal, trade_of

NOW = day(40)
INFERRED = INFERENCE.inference_id
COMMANDS = [
    track_signal("s", inference_id=INFERRED),
    open_trade("o", leverage=1e-7, size=1e22, entry_price=0.1 + 0.2),
    track_signal("minus", recommendation=ADVICE.model_copy(update={"confidence": -0.0, "sl_bps": -0.0})),
    track_signal(
        "bare", decision_price=None, recommendation=ADVICE.model_copy(update={"confidence": None, "tp_bps": ()})
    ),
    open_trade("plain", recommendation=None, stop_price=None, target_price=None, is_followed=None, ticker="BTC'\"\\Ω"),
]


@pytest.fixture
def short(postgresql_ledger: Ledger) -> OneRoundTrip:
    """The short way to a ledger with one inference, and a chain that has begun."""
    with postgresql_ledger.transaction() as tx:
        append_inferences(tx, [INFERENCE])
        apply_writes(tx, [open_trade("first")], NOW)
    return OneRoundTrip(postgresql_ledger)


def rows(ledger: Ledger) -> dict[str, list[Any]]:
    with ledger.reading() as tx:
        return {
            name: sorted(map(str, tx.execute(sa.text(f"SELECT * FROM {name}"))))
            for name in METADATA.tables
            if name in ("tracked_signals", "quick_trades", "passport_event_outbox", "chain_heads")
        }


@contextmanager
def statements(ledger: Ledger) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_: object, __: object, statement: str, *rest: object) -> None:
        seen.append(statement)

    sa.event.listen(ledger.engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(ledger.engine, "before_cursor_execute", note)


def test_both_ways_store_the_same_rows(short: OneRoundTrip, postgresql_ledger: Ledger, empty_twin: Ledger) -> None:
    empty_twin.make_current()
    with empty_twin.transaction() as tx:
        append_inferences(tx, [INFERENCE])
        apply_writes(tx, [open_trade("first")], NOW)
        wanted = apply_writes(tx, COMMANDS, NOW)
    assert short.append([prepare(one) for one in COMMANDS], NOW) == wanted
    assert rows(postgresql_ledger) == rows(empty_twin)


@pytest.fixture
def ledger(postgresql_ledger: Ledger) -> Ledger:
    """What `empty_twin` is a twin of."""
    return postgresql_ledger


def test_a_decision_is_one_statement_with_row_event_and_head(short: OneRoundTrip, postgresql_ledger: Ledger) -> None:
    assert short.append([prepare(open_trade("warm"))], NOW) is not None
    with statements(postgresql_ledger) as seen:
        assert short.append([prepare(open_trade("a"))], NOW) is not None
    assert len(seen) == 1


def test_a_head_that_moved_on_is_noticed_and_nothing_is_written(short: OneRoundTrip, postgresql_ledger: Ledger) -> None:
    assert short.append([prepare(open_trade("a"))], NOW) is not None
    with postgresql_ledger.transaction() as tx:
        apply_writes(tx, [open_trade("b")], NOW)
    before = rows(postgresql_ledger)
    assert short.append([prepare(open_trade("c"))], NOW) is None
    assert rows(postgresql_ledger) == before
    assert short.append([prepare(open_trade("c"))], NOW) is not None


@pytest.mark.parametrize(
    "commands",
    [
        [open_trade("first")],
        [open_trade("twice"), open_trade("twice")],
        [open_trade("new"), close_trade("x", trade_of("first"), day(1))],
        [track_signal("s", inference_id=identity("inference", "nobody"))],
        [track_signal("s", inference_id=identity("inference", "foreign"))],
    ],
)
def test_what_needs_a_look_at_the_ledger_takes_the_long_way(
    short: OneRoundTrip, postgresql_ledger: Ledger, commands: list[WriteCommand]
) -> None:
    foreign = replace(
        INFERENCE, inference_id=identity("inference", "foreign"), user_id=identity("user", 2), trace_id="f"
    )
    with postgresql_ledger.transaction() as tx:
        append_inferences(tx, [foreign])
    before = rows(postgresql_ledger)
    assert short.append([prepare(one) for one in commands], NOW) is None
    assert rows(postgresql_ledger) == before


def test_a_month_that_has_not_begun_takes_the_long_way(short: OneRoundTrip) -> None:
    assert short.append([prepare(open_trade("a"))], day(90)) is None


def test_events_of_a_user_are_its_own(short: OneRoundTrip, postgresql_ledger: Ledger) -> None:
    assert short.append([prepare(open_trade("a", START))], NOW) is not None
    with postgresql_ledger.reading() as tx:
        assert set(tx.execute(sa.select(event_outbox.c.user_id)).scalars()) == {USER}
