"""Bad input: each kind is refused with its status and its stable code, and leaves every table as it was."""

import json
from typing import Any

import pytest

from pawl.ledger.identity import identity
from serving_world import CONVERT, NOW, OPEN, TRACK, World, counts

Refusal = tuple[int, str]
TRACK_PATH, OPEN_PATH = "/api/signals/track", "/api/quick-trades/open"
NOBODYS = identity("trade", "nobody's")
CLOSE_PATH, CONVERT_PATH = f"/api/quick-trades/{NOBODYS}/close", f"/api/signals/{NOBODYS}/convert"
WALLET = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"


def _code(answer: Any) -> Refusal:
    body = answer.json()
    assert list(body) == ["error"]
    assert set(body["error"]) == {"code", "what", "where", "fix"}
    assert all(isinstance(value, str) and value for value in body["error"].values())
    return answer.status_code, body["error"]["code"]


BODIES: dict[str, tuple[str, Any, Refusal]] = {
    "NaN": (OPEN_PATH, {**OPEN, "size": float("nan")}, (422, "bad_input")),
    "Infinity": (OPEN_PATH, {**OPEN, "entry_price": float("inf")}, (422, "bad_input")),
    "minus Infinity in a list": (TRACK_PATH, {**TRACK, "tp_bps": [float("-inf")]}, (422, "bad_input")),
    "NaN in an unknown field": (TRACK_PATH, {**TRACK, "other": float("nan")}, (422, "bad_input")),
    "NaN as a text": (TRACK_PATH, {**TRACK, "ticker": float("nan")}, (422, "bad_input")),
    "a number as a text": (OPEN_PATH, {**OPEN, "size": "1000"}, (422, "bad_input")),
    "a truth as a number": (OPEN_PATH, {**OPEN, "size": True}, (422, "bad_input")),
    "a size of 0": (OPEN_PATH, {**OPEN, "size": 0}, (422, "bad_input")),
    "a negative price": (OPEN_PATH, {**OPEN, "entry_price": -1.0}, (422, "bad_input")),
    "a price beyond all bounds": (OPEN_PATH, {**OPEN, "entry_price": 1e300}, (422, "bad_input")),
    "a confidence above 1": (TRACK_PATH, {**TRACK, "confidence": 1.01}, (422, "bad_input")),
    "an unknown direction": (TRACK_PATH, {**TRACK, "direction": "up"}, (422, "bad_input")),
    "the inner word of a direction": (TRACK_PATH, {**TRACK, "direction": "flat"}, (422, "bad_input")),
    "an unknown field": (OPEN_PATH, {**OPEN, "user_id": str(NOBODYS)}, (422, "bad_input")),
    "a field that is missing": (OPEN_PATH, {"ticker": "BTCUSDT"}, (422, "bad_input")),
    "a list": (OPEN_PATH, [OPEN], (422, "bad_input")),
    "null": (OPEN_PATH, None, (422, "bad_input")),
    "a later version": (OPEN_PATH, {**OPEN, "version": 2}, (422, "unsupported_version")),
    "a later version with new fields": (TRACK_PATH, {"version": 7, "new": 1}, (422, "unsupported_version")),
    "version 0": (OPEN_PATH, {**OPEN, "version": 0}, (422, "bad_input")),
    "a version that is a truth": (OPEN_PATH, {**OPEN, "version": True}, (422, "bad_input")),
    "a control character in a ticker": (TRACK_PATH, {**TRACK, "ticker": "BTC\u0000USDT"}, (422, "bad_input")),
    "a control character in a rationale": (TRACK_PATH, {**TRACK, "rationale": "a\u001bb"}, (422, "bad_input")),
    "a NUL in a rationale": (TRACK_PATH, {**TRACK, "rationale": "a\u0000b"}, (422, "bad_input")),
    "half a surrogate pair": (TRACK_PATH, {**TRACK, "rationale": "\ud800"}, (422, "bad_input")),
    "a rationale without end": (TRACK_PATH, {**TRACK, "rationale": "x" * 10_001}, (422, "bad_input")),
    "levels without end": (TRACK_PATH, {**TRACK, "tp_bps": [1.0] * 21}, (422, "bad_input")),
    "SQL in a ticker": (OPEN_PATH, {**OPEN, "ticker": "x'; DROP TABLE quick_trades; --"}, (422, "bad_input")),
    "a path in a ticker": (OPEN_PATH, {**OPEN, "ticker": "../../etc/passwd"}, (422, "bad_input")),
    "a path behind a ticker": (OPEN_PATH, {**OPEN, "ticker": "BTC/../../x"}, (422, "bad_input")),
    "a ticker that is a wallet": (OPEN_PATH, {**OPEN, "ticker": WALLET}, (422, "bad_input")),
    "an inference that is none": (TRACK_PATH, {**TRACK, "inference_id": "1 OR 1=1"}, (422, "bad_input")),
    "an unknown inference": (TRACK_PATH, {**TRACK, "inference_id": str(NOBODYS)}, (404, "not_found")),
    "a clock ahead": (OPEN_PATH, {**OPEN, "occurred_at": "2024-03-01T12:01:01Z"}, (422, "clock_skew")),
    "a clock behind": (OPEN_PATH, {**OPEN, "occurred_at": "2024-02-29T11:59:59Z"}, (422, "clock_skew")),
    "the end of the calendar": (OPEN_PATH, {**OPEN, "occurred_at": "9999-12-31T23:59:59-12:00"}, (422, "clock_skew")),
    "the start of the calendar": (OPEN_PATH, {**OPEN, "occurred_at": "0001-01-01T00:00:00+12:00"}, (422, "clock_skew")),
    "a time without a zone": (OPEN_PATH, {**OPEN, "occurred_at": "2024-03-01T12:00:00"}, (422, "bad_input")),
    "a horizon of no time": (TRACK_PATH, {**TRACK, "horizon_sec": 0}, (422, "bad_input")),
    "an e-mail without a sign": (OPEN_PATH, {**OPEN, "email": "ann"}, (422, "bad_input")),
    "a refused action with a wallet": (OPEN_PATH, {**OPEN, "wallet": "0xabc", "size": -1}, (422, "bad_input")),
    "close of an unknown trade": (CLOSE_PATH, {"exit_price": 1, "email": "a@b.c"}, (404, "not_found")),
    "convert of an unknown signal": (CONVERT_PATH, {**CONVERT, "wallet": "0x1"}, (404, "not_found")),
    "SQL as a trade": ("/api/quick-trades/1' OR '1'='1/close", {"exit_price": 1.0}, (422, "bad_input")),
    "a path as a trade": ("/api/quick-trades/..%2F..%2Fetc/close", {"exit_price": 1.0}, (404, "not_found")),
}  # fmt: skip


@pytest.mark.parametrize("case", BODIES)
def test_a_bad_body_is_refused_with_its_code_and_leaves_nothing(small_world: World, case: str) -> None:
    path, body, expected = BODIES[case]
    before = counts(small_world.ledger)
    text = json.dumps(body, allow_nan=True)
    assert _code(small_world.text(path, text)) == expected
    assert counts(small_world.ledger) == before


TEXTS = {
    "no JSON": b"{",
    "nothing": b"",
    "no UTF-8": b'{"ticker": "\xff"}',
    "brackets without end": b"[" * 200_000,
    "a number without end": b'{"size": ' + b"9" * 5000 + b"}",
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("case", TEXTS)
def test_what_is_no_json_is_refused(small_world: World, case: str) -> None:
    before = counts(small_world.ledger)
    status, code = _code(small_world.text(OPEN_PATH, TEXTS[case]))
    assert (status, code) in {(400, "bad_json"), (422, "bad_input")}
    assert counts(small_world.ledger) == before


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity", "-Infinity", "1e-400"])
def test_a_number_that_no_float_holds_is_refused(small_world: World, number: str) -> None:
    text = json.dumps({**OPEN, "size": "HERE"}).replace('"HERE"', number)
    assert _code(small_world.text(OPEN_PATH, text)) == (422, "bad_input")


def test_another_users_trade_and_signal_are_as_unknown_as_none_at_all(world: World) -> None:
    """PASS-R41, the rows of others: the same words for what does not exist and for what is another user's."""
    trade, signal = world.opened(user="bob"), world.tracked(user="bob")
    before = counts(world.ledger)
    for path, body in (
        ("/api/quick-trades/{}/close", {"exit_price": 101.0}),
        ("/api/signals/{}/convert", CONVERT),
    ):
        theirs = world.post(path.format(trade if "trades" in path else signal), body)
        nobodys = world.post(path.format(NOBODYS), body)
        assert _code(theirs) == _code(nobodys) == (404, "not_found")
        assert theirs.json() == nobodys.json()
    assert counts(world.ledger) == before


def test_a_second_close_and_a_second_convert_are_refused(world: World) -> None:
    trade, signal = world.opened(), world.tracked()
    assert world.post(f"/api/quick-trades/{trade}/close", {"exit_price": 101.0}).status_code == 201
    assert world.post(f"/api/signals/{signal}/convert", CONVERT).status_code == 201
    before = counts(world.ledger)
    assert _code(world.post(f"/api/quick-trades/{trade}/close", {"exit_price": 102.0})) == (409, "already_closed")
    assert _code(world.post(f"/api/signals/{signal}/convert", CONVERT)) == (409, "already_converted")
    assert counts(world.ledger) == before


def test_an_end_before_its_beginning_is_refused(world: World) -> None:
    trade, signal = world.opened(), world.tracked()
    earlier = "2024-03-01T11:59:59Z"
    before = counts(world.ledger)
    close = world.post(f"/api/quick-trades/{trade}/close", {"exit_price": 101.0, "occurred_at": earlier})
    convert = world.post(f"/api/signals/{signal}/convert", {**CONVERT, "occurred_at": earlier})
    assert _code(close) == _code(convert) == (422, "before_open")
    assert counts(world.ledger) == before


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there", "\x7f", "é"])
def test_a_key_that_is_none_is_refused(small_world: World, key: str) -> None:
    before = counts(small_world.ledger)
    headers: Any = {"Idempotency-Key": key.encode("latin-1")}
    answer = small_world.ask("POST", OPEN_PATH, json=OPEN, headers=headers)
    assert _code(answer) == (422, "bad_input")
    assert counts(small_world.ledger) == before


def test_the_edges_of_the_clock_are_taken(small_world: World) -> None:
    for at in ("2024-03-01T12:01:00Z", "2024-02-29T12:00:00Z", "2024-03-01T14:00:00+02:00"):
        assert small_world.post(OPEN_PATH, {**OPEN, "occurred_at": at}).status_code == 201
    assert small_world.at == NOW


def test_extremes_within_the_bounds_are_measured_without_a_fault(small_world: World) -> None:
    for size, entry, leaves in ((1e15, 1e-12, 1e15), (1e-9, 1e15, 1e-12), (1e15, 1e15, 1e-12), (1e-9, 1e-12, 1e15)):
        trade = small_world.opened(size=size, entry_price=entry, decision_price=entry, stop_price=None)
        answer = small_world.post(f"/api/quick-trades/{trade}/close", {"exit_price": leaves, "fees": 1e15})
        assert answer.status_code == 201, answer.text
