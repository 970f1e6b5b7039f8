"""Decisions that take the short way are the same rows in the same chain; what it cannot do takes the long one."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from ledger_world import START, USER, day
from pawl.ledger.chain_check import check_chains
from pawl.ledger.database import Ledger
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.identity import identity
from pawl.ledger.inferences import append_inferences
from pawl.ledger.postgresql_store import PostgresqlStore
from pawl.ledger.short_way import ShortWay
from pawl.ledger.sqlite_store import SqliteStore
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
def short(ledger: Ledger) -> Iterator[ShortWay]:
    """The short way to a ledger with one inference, and a chain that has begun."""
    with ledger.transaction() as tx:
        append_inferences(tx, [INFERENCE])
        apply_writes(tx, [open_trade("first")], NOW)
    opened = ShortWay(
        ledger, SqliteStore(ledger) if ledger.engine.dialect.name == "sqlite" else PostgresqlStore(ledger)
    )
    yield opened
    opened.close()


def rows(ledger: Ledger) -> dict[str, list[Any]]:
    with ledger.reading() as tx:
        return {
            name: sorted(map(str, tx.execute(sa.text(f"SELECT * FROM {name}"))))
            for name in METADATA.tables
            if name in ("tracked_signals", "quick_trades", "passport_event_outbox", "chain_heads")
        }


def test_both_ways_store_the_same_rows(short: ShortWay, ledger: Ledger, empty_twin: Ledger) -> None:
    empty_twin.make_current()
    with empty_twin.transaction() as tx:
        append_inferences(tx, [INFERENCE])
        apply_writes(tx, [open_trade("first")], NOW)
        wanted = apply_writes(tx, COMMANDS, NOW)
    assert short.append([prepare(one) for one in COMMANDS], NOW) == wanted
    assert rows(ledger) == rows(empty_twin)


def test_a_head_that_moved_on_is_noticed_and_nothing_is_written(short: ShortWay, ledger: Ledger) -> None:
    assert short.append([prepare(open_trade("a"))], NOW) is not None
    with ledger.transaction() as tx:
        apply_writes(tx, [open_trade("b")], NOW)
    before = rows(ledger)
    assert short.append([prepare(open_trade("c"))], NOW) is None
    assert rows(ledger) == before
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
    short: ShortWay, ledger: Ledger, commands: list[WriteCommand]
) -> None:
    foreign = replace(
        INFERENCE, inference_id=identity("inference", "foreign"), user_id=identity("user", 2), trace_id="f"
    )
    with ledger.transaction() as tx:
        append_inferences(tx, [foreign])
    before = rows(ledger)
    assert short.append([prepare(one) for one in commands], NOW) is None
    assert rows(ledger) == before


def test_a_month_that_has_not_begun_takes_the_long_way(short: ShortWay) -> None:
    assert short.append([prepare(open_trade("a"))], day(90)) is None


def test_events_of_a_user_are_its_own(short: ShortWay, ledger: Ledger) -> None:
    assert short.append([prepare(open_trade("a", START))], NOW) is not None
    with ledger.reading() as tx:
        assert set(tx.execute(sa.select(event_outbox.c.user_id)).scalars()) == {USER}


def test_many_at_once_stand_in_their_order(short: ShortWay, ledger: Ledger) -> None:
    commands = [open_trade(f"k{n}") if n % 3 else track_signal(f"k{n}") for n in range(107)]
    assert short.append([prepare(one) for one in commands], NOW) is not None
    assert short.append([prepare(open_trade("behind them"))], NOW) is not None
    with ledger.reading() as tx:
        report = check_chains(tx)
        order = sa.select(event_outbox.c.event_id).order_by(event_outbox.c.chain_number).offset(1).limit(107)
        assert list(tx.execute(order).scalars()) == [one.event_id for one in commands]
    assert (report.rows, report.breaks) == (1 + 1 + 107 + 1, ())


def test_a_rule_that_is_broken_by_one_leaves_nothing_of_all(short: ShortWay, ledger: Ledger) -> None:
    before = rows(ledger)
    bad = open_trade("bad")
    negative = replace(bad, payload=bad.payload.model_copy(update={"size": -1.0}))
    assert short.append([prepare(open_trade("good")), prepare(negative)], NOW) is None
    assert rows(ledger) == before
    assert short.append([prepare(open_trade("good"))], NOW) is not None
