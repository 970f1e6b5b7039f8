"""Alarms are told once, and by one part of the loop."""

from datetime import timedelta

from ledger_world import START
from pawl.jobs.live.alarm import Alarm, raise_alarms
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import live_entries
from pawl.ledger.loop_outbox import unpublished
from pawl.ledger.loop_payloads import MOST_TEXT, AlertKind


def test_an_alarm_stands_once_with_its_figures(ledger: Ledger) -> None:
    alarm = Alarm(kind="data_anomaly", key="changed EURUSD", text="changed", values={"close now": 1.1})
    for _ in range(2):
        with ledger.transaction() as tx:
            raise_alarms(tx, "reversal", [alarm, Alarm(kind="pause", key="", text="paused")], START)
    with ledger.reading() as tx:
        found = live_entries(tx, "reversal")
    assert [(one.name, one.payload) for one in found] == [
        ("alert data_anomaly", {"text": "changed", "values": {"close now": 1.1}}),
        ("alert pause", {"text": "paused", "values": {}}),
    ]


def test_an_alarm_is_announced_once_and_what_lasts_once_a_day(ledger: Ledger) -> None:
    for hour in (0, 1, 30):
        at = START + timedelta(hours=hour)
        key, told_as = f"prediction v1 {hour}", f"prediction v1 {at:%Y-%m-%d}"
        alarm = Alarm(kind="data_anomaly", key=key, text="it failed", values={"version": "v1"}, told_as=told_as)
        with ledger.transaction() as tx:
            raise_alarms(tx, "reversal", [alarm, Alarm(kind="data_anomaly", key="same", text="changed")], at)
    with ledger.reading() as tx:
        told, written = unpublished(tx, 10), live_entries(tx, "reversal")
    assert [(one.topic, one.payload["text"], one.at) for one in told] == [
        ("alert", "reversal: it failed", START),
        ("alert", "reversal: changed", START),
        ("alert", "reversal: it failed", START + timedelta(hours=30)),
    ]
    assert told[0].payload["values"] == {"version": "v1"} and len(written) == 6


def test_what_a_trigger_looks_for_is_written_down_and_left_to_it(ledger: Ledger) -> None:
    alarm = Alarm(kind="data_anomaly", key="quarantine", text="3 rows", is_watched=True)
    with ledger.transaction() as tx:
        raise_alarms(tx, "reversal", [alarm], START)
        assert unpublished(tx, 10) == [] and len(live_entries(tx, "reversal")) == 1


def test_a_price_that_is_no_number_is_told_as_null(ledger: Ledger) -> None:
    values = {"now": float("nan"), "most": float("inf"), "least": float("-inf"), "first": 1.5, "source": "test"}
    alarm = Alarm(kind="data_anomaly", key="changed", text="changed", values=values)
    told = {"now": None, "most": None, "least": None, "first": 1.5, "source": "test"}
    with ledger.transaction() as tx:
        raise_alarms(tx, "reversal", [alarm], START)
        assert unpublished(tx, 10)[0].payload["values"] == live_entries(tx, "reversal")[0].payload["values"] == told


def test_alarms_of_two_kinds_and_of_two_learners_are_two(ledger: Ledger) -> None:
    """Whatever their keys: one is not taken for the other."""
    kinds: tuple[AlertKind, ...] = ("data_anomaly", "performance_drop")
    with ledger.transaction() as tx:
        for learner in ("reversal", "m002"):
            raise_alarms(tx, learner, [Alarm(kind=kind, key="EURUSD", text=f"a {kind}") for kind in kinds], START)
    with ledger.reading() as tx:
        told = [(one.payload["learner"], one.payload["kind"], one.payload["text"]) for one in unpublished(tx, 10)]
    assert told == [(learner, kind, f"{learner}: a {kind}") for learner in ("reversal", "m002") for kind in kinds]


def test_a_text_that_is_too_long_is_told_as_far_as_it_goes(ledger: Ledger) -> None:
    alarm = Alarm(kind="data_anomaly", key="long", text="x" * 2 * MOST_TEXT)
    with ledger.transaction() as tx:
        raise_alarms(tx, "reversal", [alarm], START)
        assert unpublished(tx, 10)[0].payload["text"] == f"reversal: {'x' * 2 * MOST_TEXT}"[:MOST_TEXT]
        assert live_entries(tx, "reversal")[0].payload["text"] == alarm.text
