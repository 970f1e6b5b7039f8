"""The ids of a command follow from who sent it and under which key, and from nothing else."""

from dataclasses import FrozenInstanceError

import pytest

from ledger_world import USER, day
from pawl.ledger.event_payloads import EVENT_PAYLOADS
from pawl.ledger.identity import identity
from pawl.ledger.write_commands import CloseTrade, ConvertSignal, OpenTrade, TrackSignal
from user_commands import open_trade, track_signal


def test_the_same_key_of_a_user_is_the_same_event_whatever_it_says() -> None:
    assert open_trade("a").event_id == track_signal("a", day(3)).event_id == identity("event", USER, "a")
    others = {open_trade("a").event_id, open_trade("b").event_id, open_trade("a", user=identity("user", 2)).event_id}
    assert len(others) == 3


def test_each_command_makes_one_kind_of_event() -> None:
    kinds = (TrackSignal, OpenTrade, ConvertSignal, CloseTrade)
    assert [kind.event_type for kind in kinds] == list(EVENT_PAYLOADS)
    assert [kind.source_table for kind in kinds] == ["tracked_signals", "quick_trades", "quick_trades", "pnl_entries"]


def test_a_command_cannot_be_changed_on_its_way() -> None:
    with pytest.raises(FrozenInstanceError):
        open_trade("a").key = "b"  # type: ignore[misc]
