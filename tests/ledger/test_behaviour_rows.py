"""Behaviour as it is read from the trajectories: this user's alone, and what the JSON says."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from polars.testing import assert_frame_equal

from decision_events import closed, converted, opened, record, tracked
from passport_world import ME, NOW, OTHER, RULES, decide
from pawl.datasets.trajectories import fold_events
from pawl.evaluation.behaviour_rows import BEHAVIOUR_SCHEMA
from pawl.ledger.behaviour_rows import read_behaviour
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import decision_trajectories
from pawl.policy.action import Action
from pawl.policy.utility import direction_hit

SINCE = NOW - timedelta(days=400)
BAND = RULES.passport.utility.neutral_band_bps


def test_the_rows_are_what_a_plain_loop_reads(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        decide(tx, ME, 60, 1)
        decide(tx, OTHER, 30, 2)
    with ledger.reading() as tx:
        read = read_behaviour(tx, ME, SINCE, BAND)
        stored = tx.execute(sa.select(decision_trajectories).where(decision_trajectories.c.user_id == ME)).all()
    assert read.schema == BEHAVIOUR_SCHEMA
    by_id = {row["trajectory_id"]: row for row in read.to_dicts()}
    assert sorted(by_id) == sorted(str(row.trajectory_id) for row in stored)
    for row in stored:
        found, decision, outcome = by_id[str(row.trajectory_id)], row.decision_features, row.outcome_features or {}
        action = decision["action"] or {}
        for name in ("direction", "confidence", "is_recommended"):
            assert found[name] == decision[name]
        for name in ("side", "size", "leverage", "stop_price", "followed", "overrode"):
            assert found[name] == action.get(name)
        for name in ("pnl_bps", "hold_sec", "exit_price"):
            assert found[name] == outcome.get(name)
        assert found["entry_price"] == action.get("price")
        assert found["stretch"] == row.context_features["stretch"]
        assert found["resolved_at"] == (datetime.fromisoformat(outcome["resolved_at"]) if outcome else None)
        assert found["opened_at"] == (datetime.fromisoformat(action["time"]) if action else None)
        expected = None
        if outcome and decision["is_recommended"]:
            expected = direction_hit(Action(decision["direction"]), outcome["move_bps"], BAND)
        assert found["recommendation_hit"] == expected
    assert {row["recommendation_hit"] for row in by_id.values()} == {True, False, None}


def test_the_hit_is_that_of_the_recommendation_not_of_the_user(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        rows = [
            tracked("a", who=ME),
            converted("a", who=ME, side="short", is_followed=False),
            closed("a", who=ME, move_bps=80.0),
            opened("b", who=ME),
            closed("b", who=ME, of="trade"),
        ]
        fold_events(tx, record(tx, rows), RULES.passport, NOW)
        read = read_behaviour(tx, ME, SINCE, BAND).sort("is_recommended")
    assert read["recommendation_hit"].to_list() == [None, True]
    assert read["overrode"].to_list() == [None, True]


def test_what_was_decided_before_is_left_out_and_nothing_is_an_empty_frame(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        decide(tx, ME, 40, 1)
        everything = read_behaviour(tx, ME, SINCE, BAND)
        newer = read_behaviour(tx, ME, NOW - timedelta(days=30), BAND)
        assert 0 < newer.height < everything.height
        assert_frame_equal(newer, everything.filter(everything["decided_at"] >= NOW - timedelta(days=30)))
        assert read_behaviour(tx, OTHER, SINCE, BAND).schema == BEHAVIOUR_SCHEMA
        assert read_behaviour(tx, OTHER, SINCE, BAND).is_empty()
