"""The four payloads of the loop: one name for one happening, and nothing but what their contract knows."""

from datetime import datetime, timedelta, timezone

import pytest

from loop_events import alert, alias_move, bars, outcome, prediction, report, training
from pawl.errors import InputError
from pawl.ledger.loop_payloads import LOOP_PAYLOADS, LoopPayload, read_loop_payload
from pawl.ledger.loop_tables import TOPICS
from pawl.ledger.signal_tables import ACTUAL_OUTCOMES, OUTCOME_SOURCES, SIGNALS

ALL = (bars(1), prediction(1), outcome(1), training(1), alert(1), report(1), alias_move(1))


def test_every_topic_of_the_spec_has_its_payload() -> None:
    assert tuple(LOOP_PAYLOADS) == TOPICS
    assert set(TOPICS) > {"new_market_data", "new_prediction", "signal_outcome", "training_completed"}


@pytest.mark.parametrize("payload", ALL, ids=lambda one: one.topic)
def test_what_was_stored_reads_back_as_it_was(payload: LoopPayload) -> None:
    assert read_loop_payload(payload.topic, payload.model_dump(mode="json")) == payload


def test_one_happening_has_one_id_and_another_has_another() -> None:
    told = [bars(1), bars(2), bars(1, "USDJPY"), prediction(1), prediction(2), outcome(1), outcome(1, "virtual"),
            training(1), training(2), report(1), report(2)]  # fmt: skip
    assert len({one.event_id for one in told}) == len(told)
    assert [bars(1).event_id, outcome(1).event_id] == [told[0].event_id, told[5].event_id]


def test_an_instant_in_another_zone_is_the_same_event() -> None:
    nepal = timezone(timedelta(hours=5, minutes=45))
    moved = bars(1).model_dump() | {"bar_timestamp": bars(1).bar_timestamp.astimezone(nepal)}
    assert read_loop_payload("new_market_data", moved) == bars(1)
    assert read_loop_payload("new_market_data", moved).event_id == bars(1).event_id


def test_a_training_that_is_told_twice_has_one_id_whatever_is_said_of_it() -> None:
    """REV-R46: once per finished training."""
    assert training(1).event_id == training(1, "failed").event_id


def test_the_values_are_those_of_the_tables() -> None:
    fields = LOOP_PAYLOADS["signal_outcome"].model_json_schema()["properties"]
    assert tuple(fields["signal"]["enum"]) == SIGNALS
    assert tuple(fields["actual_outcome"]["enum"]) == ACTUAL_OUTCOMES
    assert tuple(fields["outcome_source"]["enum"]) == OUTCOME_SOURCES


@pytest.mark.parametrize(
    ("topic", "change", "said"),
    [
        ("news", {}, "known topics: new_market_data"),
        ("new_market_data", {"colour": "red"}, "`colour`"),
        ("new_market_data", {"n_bars": 0}, "`n_bars`"),
        ("new_market_data", {"bar_timestamp": datetime(2024, 1, 1)}, "`bar_timestamp`"),  # noqa: DTZ001 - no zone
        ("new_market_data", {"version": 2}, "`version`"),
    ],
)
def test_what_breaks_the_contract_is_named(topic: str, change: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_loop_payload(topic, {**bars(1).model_dump(), **change})
