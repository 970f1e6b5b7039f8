"""Alarms are told once."""

from ledger_world import START
from pawl.jobs.live.alarm import Alarm, raise_alarms
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import live_entries


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
