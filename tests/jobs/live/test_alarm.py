"""Alarms are told once, and by one part of the loop."""

from datetime import timedelta

from ledger_world import START
from pawl.jobs.live.alarm import Alarm, raise_alarms
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import live_entries
from pawl.ledger.loop_outbox import unpublished


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
    alarm = Alarm(kind="data_anomaly", key="changed", text="changed", values={"now": float("nan"), "first": 1.5})
    with ledger.transaction() as tx:
        raise_alarms(tx, "reversal", [alarm], START)
        assert unpublished(tx, 10)[0].payload["values"] == {"now": None, "first": 1.5}
