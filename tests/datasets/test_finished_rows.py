"""Finished trajectories, read as a frame: the same on both databases, and none of Pawl's own."""

from datetime import timedelta

import polars as pl

from decision_events import START, chain, closed, converted, opened, record, tracked, user
from pawl.datasets.finished_rows import FINISHED_SCHEMA, finished_rows
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectories import fold_events
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.inferences import append_inferences, append_trajectories
from recorded_decision import INFERENCE, TRAJECTORY


def test_what_is_finished_is_read_by_its_action_and_in_the_order_of_decisions(ledger: Ledger) -> None:
    day = timedelta(days=1)
    rows = [
        *chain("late", START + day),
        *chain("unfinished", START + 2 * day)[:2],
        opened("own", START), closed("own", START, of="trade", pnl_bps=-0.0),
        tracked("against", START + 3 * day),
        converted("against", START + 3 * day, side="short", stop_price=None, is_followed=False),
        closed("against", START + 3 * day),
    ]  # fmt: skip
    with ledger.transaction() as tx:
        fold_events(tx, record(tx, rows), PassportSettings(), START)
        append_inferences(tx, [INFERENCE])
        append_trajectories(tx, [TRAJECTORY])
    with ledger.reading() as tx:
        found = finished_rows(tx)
        without = finished_rows(tx, [rows[0]["trace_id"]])
    assert found.schema == FINISHED_SCHEMA
    assert found["trajectory_id"].to_list() == [
        identity("trajectory", identity(kind, user(0), key)).hex
        for kind, key in (("trade", "own"), ("signal", "late"), ("signal", "against"))
    ]
    assert found.select("direction", "sl_bps", "followed", "confidence", "max_position_pct").rows() == [
        ("long", 120.0, None, None, None), ("long", 120.0, True, 0.7, 8.0), ("short", None, False, 0.7, 8.0),
    ]  # fmt: skip
    late = found.row(1, named=True)
    assert (late["decided_at"], late["outcome_at"]) == (START + day, START + day + timedelta(minutes=121))
    assert late["known_at"] == START + day - timedelta(minutes=1)
    assert str(found["pnl_bps"][0]) == "0.0"
    assert without.height == 2


def test_an_empty_ledger_gives_an_empty_frame(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        assert finished_rows(tx).equals(pl.DataFrame(schema=FINISHED_SCHEMA))
