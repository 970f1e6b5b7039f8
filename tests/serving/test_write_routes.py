"""The four write paths, through the application: what they write, and that they write it once."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from pawl.ids import ModelVersion
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.identity import SYSTEM_USER, identity
from pawl.ledger.inferences import Inference, append_inferences
from pawl.ledger.trade_tables import pnl_entries, quick_trades, tracked_signals
from serving_world import CONTEXT, CONVERT, NOW, OPEN, TRACK, World, counts

IDS = {"event_id", "trace_id", "inference_id", "recorded_at"}
CLOSE = {"exit_price": 101.0, "fees": 1.0}


def _four(world: World) -> list[tuple[str, dict[str, Any], sa.Table, str]]:
    """Path, body, primary table and event type of each path, on things that stand."""
    signal, trade = world.tracked(), world.opened()
    return [
        ("/api/signals/track", TRACK, tracked_signals, "signal.tracked"),
        ("/api/quick-trades/open", OPEN, quick_trades, "trade.opened"),
        (f"/api/signals/{signal}/convert", CONVERT, quick_trades, "signal.converted"),
        (f"/api/quick-trades/{trade}/close", CLOSE, pnl_entries, "trade.closed"),
    ]


def test_pass_r2_each_path_writes_its_row_and_exactly_one_event(world: World) -> None:
    """PASS-R2, through HTTP: one primary row and one outbox row, which names it."""
    for path, body, table, event_type in _four(world):
        before = counts(world.ledger)
        answer = world.post(path, body)
        assert answer.status_code == 201, answer.text
        after = counts(world.ledger)
        grown = {name: after[name] - before[name] for name in after if after[name] != before[name]}
        grown.pop("chain_heads", None)
        assert grown == {table.name: 1, event_outbox.name: 1}
        said = answer.json()
        assert set(said) > IDS
        (event,) = world.rows(event_outbox, event_id=UUID(said["event_id"]))
        assert (event.event_type, event.source_table, event.user_id) == (event_type, table.name, world.user_id("ann"))
        key = next(iter(table.primary_key)).name
        (row,) = world.rows(table, **{key: event.source_event_id})
        assert (row.trace_id, row.user_id, str(getattr(row, key))) == (said["trace_id"], event.user_id, said[key])


def _refuse_events(world: World) -> None:
    postgresql = world.ledger.engine.dialect.name == "postgresql"
    with world.ledger.transaction() as tx:
        if postgresql:
            tx.exec_driver_sql("ALTER TABLE passport_event_outbox ADD CONSTRAINT nothing CHECK (false) NOT VALID")
        else:
            tx.exec_driver_sql(
                "CREATE TRIGGER refuse BEFORE INSERT ON passport_event_outbox BEGIN SELECT RAISE(ABORT, 'no'); END"
            )


def test_pass_r2_where_the_event_cannot_be_written_nothing_is(world: World) -> None:
    """PASS-R2, through HTTP: primary row and event stand or fall together."""
    paths = _four(world)
    _refuse_events(world)
    before = counts(world.ledger)
    for path, body, _, _ in paths:
        answer = world.post(path, body)
        assert answer.status_code >= 400
        assert answer.json()["error"]["code"] in ("refused", "storage")
        assert "passport_event_outbox" not in answer.text
    assert counts(world.ledger) == before


def test_a_repeated_request_gets_the_same_answer_and_writes_nothing(world: World) -> None:
    for path, body, _, _ in _four(world):
        first = world.post(path, body, key="once")
        before = counts(world.ledger)
        world.later(seconds=30)
        second = world.post(path, body, key="once")
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json() == second.json()
        assert "Idempotent-Replay" not in first.headers
        assert second.headers["Idempotent-Replay"] == "true"
        assert counts(world.ledger) == before


def test_a_key_with_another_body_is_a_conflict_and_its_text_is_not_repeated(world: World) -> None:
    paths = _four(world)
    for path, body, _, _ in paths:
        assert world.post(path, body, key="ann@example.com").status_code == 201
    before = counts(world.ledger)
    for path, body, _, _ in paths:
        changed = {**body, "occurred_at": NOW.isoformat()}
        answer = world.post(path, changed, key="ann@example.com")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_conflict")
        assert "ann@example.com" not in answer.text
    assert counts(world.ledger) == before


def test_one_key_means_one_thing_on_each_path_and_for_each_user(world: World) -> None:
    answers = [
        world.post(path, body, key="same", user=user)
        for user in ("ann", "bob")
        for path, body in (("/api/signals/track", TRACK), ("/api/quick-trades/open", OPEN))
    ]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["event_id"] for answer in answers}) == 4


def test_a_request_that_was_taken_in_time_may_be_repeated_at_any_time(world: World) -> None:
    body = {**OPEN, "occurred_at": NOW.isoformat()}
    first = world.post("/api/quick-trades/open", body, key="k")
    world.later(days=3)
    again = world.post("/api/quick-trades/open", body, key="k")
    assert (again.status_code, again.json()) == (200, first.json())
    assert world.post("/api/quick-trades/open", body, key="another").json()["error"]["code"] == "clock_skew"
    changed = world.post("/api/quick-trades/open", {**body, "size": 5.0}, key="k")
    assert changed.json()["error"]["code"] == "idempotency_conflict"


def test_a_chain_keeps_its_trace_and_its_inference(world: World) -> None:
    inference_id = _infer(world, {"direction": "short", "confidence": 0.6, "risk_plan": {"sl_bps": 90}})
    tracked = world.post("/api/signals/track", {**TRACK, "inference_id": str(inference_id)}).json()
    converted = world.post(f"/api/signals/{tracked['signal_id']}/convert", CONVERT).json()
    world.later(hours=1)
    closed = world.post(f"/api/quick-trades/{converted['trade_id']}/close", CLOSE).json()
    assert {one["trace_id"] for one in (tracked, converted, closed)} == {tracked["trace_id"]}
    assert {one["inference_id"] for one in (tracked, converted, closed)} == {str(inference_id)}
    (event,) = world.rows(event_outbox, event_id=UUID(converted["event_id"]))
    assert (event.payload["side"], event.payload["is_followed"]) == ("short", True)


def test_what_the_inference_says_comes_before_what_the_client_says(world: World) -> None:
    inference_id = _infer(world, {"direction": "short", "confidence": 0.6, "risk_plan": {"sl_bps": 90}})
    body = {**OPEN, "inference_id": str(inference_id), "recommendation": {"direction": "long", "tp_bps": [50]}}
    answer = world.post("/api/quick-trades/open", body).json()
    (event,) = world.rows(event_outbox, event_id=UUID(answer["event_id"]))
    said = event.payload["recommendation"]
    assert (said["direction"], said["confidence"], said["sl_bps"], said["tp_bps"]) == ("short", 0.6, 90.0, [50.0])
    assert (said["learner"], said["model_version"]) == ("policy", "policy-1.0")
    assert event.payload["is_followed"] is False


def test_the_context_is_frozen_into_the_event_and_the_rationale_is_not(world: World) -> None:
    answer = world.post("/api/signals/track", {**TRACK, "direction": "neutral", "rationale": "Funding is high"}).json()
    (event,) = world.rows(event_outbox, event_id=UUID(answer["event_id"]))
    assert event.payload["context"] == CONTEXT.model_dump(mode="json")
    assert event.payload["recommendation"]["direction"] == "flat"
    assert re.fullmatch("[0-9a-f]{64}", event.payload["recommendation"]["rationale_hash"])
    assert "is high" not in str(tuple(event))


def test_another_side_than_the_signals_overrides_it(world: World) -> None:
    answer = world.post(f"/api/signals/{world.tracked()}/convert", {**CONVERT, "side": "short"}).json()
    (event,) = world.rows(event_outbox, event_id=UUID(answer["event_id"]))
    assert (event.payload["side"], event.payload["is_followed"]) == ("short", False)
    flat = world.tracked(direction="neutral")
    refused = world.post(f"/api/signals/{flat}/convert", CONVERT)
    assert (refused.status_code, refused.json()["error"]["where"]) == (422, "body.side")


def test_what_a_close_brought_is_measured_by_the_server(world: World) -> None:
    """By hand: a short of 1,000 at 100, decided at 100.5, closed at 98 with fees of 2, after a high of 103."""
    trade = world.opened(side="short", decision_price=100.5)
    world.market.rows = [(NOW + timedelta(minutes=10), 99.0), (NOW + timedelta(minutes=20), 103.0)]
    world.later(hours=1, milliseconds=400)
    said = world.post(f"/api/quick-trades/{trade}/close", {"exit_price": 98.0, "fees": 2.0}).json()
    assert said["pnl"] == pytest.approx(1000 * 0.02 - 2)
    assert said["pnl_bps"] == pytest.approx(180.0)
    assert said["max_drawdown_bps"] == pytest.approx(400.0)  # from +10 at 99 to −30 at 103
    assert said["hold_sec"] == 3600
    assert said["slippage_bps"] == pytest.approx(0.5 / 100.5 * 1e4)  # sold below the price it was decided at
    (event,) = world.rows(event_outbox, event_id=UUID(said["event_id"]))
    assert event.payload["move_bps"] == pytest.approx((98 / 100.5 - 1) * 1e4)
    assert (event.payload["decision_id"], event.payload["stop_price"]) == (trade, 98.8)


def test_without_a_market_the_drawdown_comes_from_the_fills(world: World) -> None:
    trade = world.opened()
    world.market.rows = [(NOW, float("nan"))]
    said = world.post(f"/api/quick-trades/{trade}/close", {"exit_price": 99.0}).json()
    assert (said["pnl_bps"], said["max_drawdown_bps"]) == (pytest.approx(-100.0), pytest.approx(100.0))


def _infer(world: World, response: dict[str, Any], user_id: UUID = SYSTEM_USER) -> UUID:
    inference_id = identity("inference", str(response), user_id)
    row = Inference(
        inference_id=inference_id, trace_id=f"t/{inference_id}", model_version=ModelVersion("policy-1.0"),
        learner="policy", prompt_hash="0" * 64, prompt_payload={}, response_payload=response, created_at=NOW,
        user_id=user_id,
    )  # fmt: skip
    with world.ledger.transaction() as tx:
        append_inferences(tx, [row])
    return inference_id


def test_another_users_inference_is_as_unknown_as_none_at_all(world: World) -> None:
    bobs = _infer(world, {"direction": "long"}, world.user_id("bob"))
    before = counts(world.ledger)
    errors = [
        world.post(path, {**body, "inference_id": str(named)}).json()["error"]
        for named in (bobs, identity("inference", "nobody's"))
        for path, body in (("/api/signals/track", TRACK), ("/api/quick-trades/open", OPEN))
    ]
    assert {error["code"] for error in errors} == {"not_found"} and len({str(error) for error in errors}) == 1
    assert counts(world.ledger) == before
    mine = world.post("/api/signals/track", {**TRACK, "inference_id": str(bobs)}, user="bob")
    assert mine.status_code == 201
