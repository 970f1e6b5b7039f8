"""What a command does follows from the command, what stands, and the time; from nothing else."""

import pytest

from ledger_world import USER, day
from pawl.errors import AlreadyClosedError, InputError, NotFoundError
from pawl.ledger.identity import SYSTEM_USER, identity
from pawl.ledger.write_commands import Written
from pawl.ledger.write_rules import Effect, Standing, Trade, decide, prepare
from user_commands import ADVICE, close_trade, open_trade, track_signal, trade_of

NOW = day(3)
INFERENCE = identity("inference", 1)


def test_a_command_decided_twice_is_one_effect() -> None:
    standing, prepared = Standing(), prepare(open_trade("a"))
    effect, again = decide(prepared, standing, NOW), decide(prepared, standing, day(4))
    assert isinstance(effect, Effect)
    assert again == effect.written._replace(is_new=False)
    assert isinstance(again, Written)


def test_what_a_command_did_stands_for_those_behind_it() -> None:
    standing = Standing()
    decide(prepare(open_trade("a")), standing, NOW)
    closed = decide(prepare(close_trade("x", trade_of("a"), day(1))), standing, NOW)
    assert isinstance(closed, Effect)
    assert closed.moved is not None
    assert closed.moved[0] == trade_of("a")
    with pytest.raises(AlreadyClosedError):
        decide(prepare(close_trade("y", trade_of("a"), day(1))), standing, NOW)


def test_a_refused_command_leaves_nothing_standing() -> None:
    standing = Standing()
    with pytest.raises(NotFoundError):
        decide(prepare(close_trade("x", trade_of("a"), day(1))), standing, NOW)
    assert standing == Standing()


@pytest.mark.parametrize(("owner", "is_open"), [(USER, True), (SYSTEM_USER, True), (identity("user", 2), False)])
def test_an_inference_is_of_the_user_or_of_the_house(owner: object, is_open: bool) -> None:
    standing = Standing(owners={INFERENCE: owner})  # type: ignore[dict-item]
    prepared = prepare(track_signal("s", inference_id=INFERENCE))
    if is_open:
        assert isinstance(decide(prepared, standing, NOW), Effect)
    else:
        with pytest.raises(NotFoundError, match="no inference"):
            decide(prepared, standing, NOW)


def test_an_end_inherits_trace_and_inference_of_its_trade() -> None:
    trade = Trade(USER, "u/somewhere", INFERENCE, None, "BTCUSDT", day(0))
    effect = decide(prepare(close_trade("x", trade_of("a"), day(1))), Standing(trades={trade_of("a"): trade}), NOW)
    assert isinstance(effect, Effect)
    assert (effect.event["trace_id"], effect.event["inference_id"]) == ("u/somewhere", INFERENCE)
    assert effect.row["trace_id"] == "u/somewhere"


def test_a_command_is_redacted_before_anything_is_made_of_it() -> None:
    prepared = prepare(track_signal("s", recommendation=ADVICE.model_copy(update={"rationale_hash": "a@b.example"})))
    effect = decide(prepared, Standing(), NOW)
    assert isinstance(effect, Effect)
    assert "b.example" not in str(effect)
    assert effect.row["rationale_hash"] == "[email]"


def test_rows_of_another_request_are_refused() -> None:
    with pytest.raises(InputError, match="its row will be"):
        prepare(open_trade("a", trade_id=str(trade_of("b"))))
