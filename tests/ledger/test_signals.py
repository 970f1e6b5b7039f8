"""Signals: written once, resolved once, and read by time."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ledger_world import START, day, promoted, trained
from pawl.errors import RefusalError
from pawl.ids import ModelVersion
from pawl.ledger.database import Ledger
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.signals import (
    SIGNAL_FRAME_SCHEMA,
    NewSignal,
    SignalOutcome,
    last_signalled,
    note_bars,
    open_signals,
    record_signals,
    resolve_signal,
    signal_frame,
)

BAR = timedelta(minutes=15)
WIN = SignalOutcome(outcome="win", pnl=0.004, source="virtual")


def said(**changes: Any) -> NewSignal:
    signal = NewSignal(
        pair="EURUSD", timeframe="15m", bar_timestamp=START, model_version=ModelVersion("m002-1.0"), learner="m002",
        signal="buy", confidence=0.7, features_hash="f" * 64, trace_id="t", entry_price=1.1, atr=0.001,
    )  # fmt: skip
    return replace(signal, **changes)


@pytest.fixture
def versions(ledger: Ledger) -> Ledger:
    """A ledger with a version that serves, and another."""
    with ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        trained(tx, "m002-1.1")
    return ledger


def test_a_signal_that_was_given_stands(versions: Ledger) -> None:
    shadow = said(model_version=ModelVersion("m002-1.1"), signal="sell", is_shadow=True)
    with versions.transaction() as tx:
        assert record_signals(tx, [said(), shadow], day(1)) == [said(), shadow]
    with versions.transaction() as tx:
        assert record_signals(tx, [said(signal="sell", confidence=0.9)], day(2)) == []
        found = open_signals(tx, "m002")
    assert [(one.signal, one.confidence, one.is_shadow, one.created_at) for one in found] == [
        ("buy", 0.7, False, day(1)),
        ("sell", 0.7, True, day(1)),
    ]
    assert found[0].id == said().id


def test_holds_and_resolved_signals_are_not_open(versions: Ledger) -> None:
    later = said(bar_timestamp=START + BAR)
    with versions.transaction() as tx:
        record_signals(tx, [said(), later, said(pair="USDJPY", signal="hold")], day(1))
        assert resolve_signal(tx, said().id, WIN, day(2))
        assert [one.id for one in open_signals(tx, "m002")] == [later.id]
        assert open_signals(tx, "reversal") == []


def test_a_trade_that_is_told_later_replaces_what_the_bars_said(versions: Ledger) -> None:
    real = SignalOutcome(outcome="loss", pnl=-0.002, source="real")
    with versions.transaction() as tx:
        record_signals(tx, [said()], day(1))
        assert resolve_signal(tx, said().id, WIN, day(2))
        assert not resolve_signal(tx, said().id, WIN, day(3))
        assert resolve_signal(tx, said().id, real, day(4))
        assert not resolve_signal(tx, said().id, real, day(5))
        row = tx.execute(sa.select(trading_signals)).mappings().one()
    assert (row["actual_outcome"], row["outcome_source"], row["updated_at"]) == ("loss", "real", day(4))


def test_what_the_bars_said_first_stays_where_they_are_asked_again(versions: Ledger) -> None:
    signal = said()
    first = SignalOutcome(outcome="loss", pnl=-0.001, source="virtual")
    with versions.transaction() as tx:
        record_signals(tx, [signal], START)
        assert note_bars(tx, signal.id, first, day(1)) and not note_bars(tx, signal.id, first, day(2))
        assert resolve_signal(tx, signal.id, SignalOutcome(outcome="win", pnl=0.002, source="virtual"), day(3))
    c = trading_signals.c
    with versions.reading() as tx:
        row = tx.execute(sa.select(c.virtual_outcome, c.virtual_pnl, c.virtual_at, c.actual_outcome)).one()
    assert tuple(row) == ("loss", -0.001, day(1), "win")


def test_rev_r9_a_real_outcome_stays_as_it_was_said(versions: Ledger) -> None:
    real = SignalOutcome(outcome="loss", pnl=-0.002, source="real")
    with versions.transaction() as tx:
        record_signals(tx, [said()], day(1))
        assert resolve_signal(tx, said().id, real, day(2))
    with versions.transaction() as tx:
        assert not resolve_signal(tx, said().id, WIN, day(3))
        row = tx.execute(sa.select(trading_signals)).mappings().one()
    assert (row["actual_outcome"], row["outcome_source"], row["resolved_at"]) == ("loss", "real", day(2))
    assert (row["actual_pnl"], row["actual_pnl_percent"]) == (-0.002, -0.2)
    # The database itself refuses too, whoever writes.
    with pytest.raises(RefusalError, match="an outcome stays"), versions.transaction() as tx:
        tx.execute(sa.update(trading_signals).values(actual_outcome="win"))


def test_rev_r28_version_and_test_are_kept_with_the_signal(versions: Ledger) -> None:
    with versions.transaction() as tx:
        record_signals(tx, [said()], day(1))
        frame = signal_frame(tx, "m002", day(0), day(1))
    assert frame.schema == SIGNAL_FRAME_SCHEMA
    assert frame.select("model_version", "ab_test_id", "bar_timestamp").row(0) == ("m002-1.0", None, START)


def test_frames_that_follow_each_other_hold_everything_once(versions: Ledger) -> None:
    bars = [said(bar_timestamp=START + place * BAR) for place in range(3)]
    with versions.transaction() as tx:
        for place, one in enumerate(bars):
            record_signals(tx, [one], day(place))
            resolve_signal(tx, one.id, WIN, day(10 - place))
        spans = [(day(-1), day(0)), (day(0), day(1)), (day(1), day(2)), (day(2), day(9))]
        given = [signal_frame(tx, "m002", since, until)["id"].to_list() for since, until in spans]
        resolved = signal_frame(tx, "m002", day(8), day(10), by="resolved_at")
    assert given == [[str(bars[0].id)], [str(bars[1].id)], [str(bars[2].id)], []]
    assert resolved["id"].to_list() == [str(bars[1].id), str(bars[0].id)]
    assert resolved["actual_pnl_percent"].to_list() == [0.4, 0.4]


def test_the_newest_bar_that_was_decided_is_known_by_pair(versions: Ledger) -> None:
    with versions.transaction() as tx:
        assert last_signalled(tx, "m002", "15m") == {}
        shadow = said(bar_timestamp=START + 9 * BAR, model_version=ModelVersion("m002-1.1"), is_shadow=True)
        record_signals(tx, [said(), said(bar_timestamp=START + BAR), said(pair="USDJPY"), shadow], day(1))
        assert last_signalled(tx, "m002", "15m") == {"EURUSD": START + BAR, "USDJPY": START}
        assert last_signalled(tx, "m002", "1h") == {}
