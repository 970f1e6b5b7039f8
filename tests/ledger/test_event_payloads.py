"""An event is read back as it was said; what breaks its contract is named, and a later version is not guessed at."""

from typing import Any

import pytest
from pydantic import ValidationError

from ledger_world import day
from pawl.errors import InputError
from pawl.ledger.event_payloads import EVENT_PAYLOADS, FrozenContext, Recommendation, SignalTracked, read_payload
from user_commands import close_trade, convert_signal, open_trade, signal_of, track_signal, trade_of

COMMANDS = {
    one.event_type: one
    for one in (
        track_signal("s"),
        open_trade("o"),
        convert_signal("c", signal_of("s")),
        close_trade("x", trade_of("o"), day(1)),
    )
}


@pytest.mark.parametrize("event_type", EVENT_PAYLOADS)
def test_a_payload_read_back_is_the_payload_that_was_written(event_type: str) -> None:
    payload = COMMANDS[event_type].payload
    assert read_payload(event_type, payload.model_dump(mode="json")) == payload


@pytest.mark.parametrize("version", [0, 2, "1", True, None, 1.5])
def test_an_event_of_another_version_is_refused_with_the_way_out(version: object) -> None:
    said = COMMANDS["trade.opened"].payload.model_dump(mode="json")
    with pytest.raises(InputError, match="reads version 1"):
        read_payload("trade.opened", {**said, "version": version})


@pytest.mark.parametrize("payload", [None, [], "text", 1])
def test_what_is_no_event_at_all_is_refused(payload: object) -> None:
    with pytest.raises(InputError):
        read_payload("trade.opened", payload)


def test_an_unknown_type_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"known types: signal\.tracked, trade\.opened"):
        read_payload("trade.forgotten", {"version": 1})


@pytest.mark.parametrize(
    ("event_type", "change", "named"),
    [
        ("trade.opened", {"size": 0}, "size"),
        ("trade.opened", {"entry_price": -1.0}, "entry_price"),
        ("trade.opened", {"leverage": float("inf")}, "leverage"),
        ("trade.opened", {"side": "up"}, "side"),
        ("trade.opened", {"more": 1}, "more"),
        ("trade.opened", {"ticker": ""}, "ticker"),
        ("trade.closed", {"pnl": float("nan")}, "pnl"),
        ("trade.closed", {"max_drawdown_bps": -1.0}, "max_drawdown_bps"),
        ("trade.closed", {"hold_sec": -1}, "hold_sec"),
        ("signal.tracked", {"horizon_sec": 0}, "horizon_sec"),
        ("signal.tracked", {"recommendation": {"direction": "long", "confidence": 1.1}}, "recommendation.confidence"),
        ("signal.tracked", {"recommendation": {"direction": "long", "tp_bps": [0]}}, "recommendation.tp_bps.0"),
        ("signal.tracked", {"context": {"funding": float("-inf")}}, "context.funding"),
    ],
)
def test_a_field_that_breaks_its_contract_is_named(event_type: str, change: dict[str, Any], named: str) -> None:
    said = COMMANDS[event_type].payload.model_dump(mode="json")
    with pytest.raises(InputError, match=f"`{named}`"):
        read_payload(event_type, said | change)


def test_a_payload_cannot_be_changed_once_it_is_made() -> None:
    payload = COMMANDS["signal.tracked"].payload
    assert isinstance(payload, SignalTracked)
    for part, field in ((payload, "ticker"), (payload.context, "funding"), (payload.recommendation, "direction")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, field, None)


def test_what_was_not_known_is_none() -> None:
    assert set(FrozenContext().model_dump().values()) == {None}
    assert Recommendation(direction="flat").tp_bps == ()
