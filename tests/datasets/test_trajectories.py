"""The fold from events to trajectories: one row a decision, whatever the order and however often."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from decision_events import (
    ADVICE,
    START,
    USER,
    Row,
    chain,
    closed,
    converted,
    inference,
    opened,
    record,
    told_rows,
    tracked,
    user,
)
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectories import Folded, fold_events, pending_events
from pawl.errors import RefusalError
from pawl.ledger.chain import append_chained
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import decision_trajectories, inference_logs
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.identity import identity
from pawl.ledger.inferences import append_inferences
from pawl.policy.utility import UtilitySettings

RULES = PassportSettings()
NOW = START + timedelta(days=9)


def fold(ledger: Ledger, event_ids: list[UUID], rules: PassportSettings = RULES) -> Folded:
    with ledger.transaction() as tx:
        return fold_events(tx, event_ids, rules, NOW)


def told(ledger: Ledger, rows: list[Row]) -> Any:
    """The one trajectory of events that are recorded and folded together."""
    with ledger.transaction() as tx:
        names = record(tx, rows)
    fold(ledger, names)
    with ledger.reading() as tx:
        (row,) = told_rows(tx)
    return row


def pending(ledger: Ledger) -> list[UUID]:
    with ledger.reading() as tx:
        return pending_events(tx, NOW, 1000)


def test_pass_r6_a_trajectory_holds_its_four_parts_with_every_field(ledger: Ledger) -> None:
    row = told(ledger, chain("a"))
    assert row["context_features"] == {
        "volatility": 0.01, "funding": 0.0001, "oi_change": 0.02, "market_regime": "up_low", "session_band": "asia",
        "stretch": 0.5, "known_at": "2024-02-29T23:59:00.000000Z",
    }  # fmt: skip
    action = row["decision_features"].pop("action")
    assert row["decision_features"] == {
        "ticker": "BTCUSDT", "decided_at": "2024-03-01T00:00:00.000000Z", "direction": "long", "confidence": 0.7,
        "tp_bps": [180.0, 300.0], "sl_bps": 120.0, "leverage": 2.0, "max_position_pct": 8.0,
        "rationale_hash": "a" * 64, "decision_price": 100.0, "horizon_sec": 86_400, "learner": "policy",
        "model_version": "policy-1.0", "is_recommended": True,
    }  # fmt: skip
    assert action == {
        "side": "long", "size": 1000.0, "size_pct": 5.0, "price": 100.0, "time": "2024-03-01T00:01:00.000000Z",
        "leverage": 2.0, "sl_bps": 120.0, "stop_price": 98.8, "followed": True, "overrode": False,
        "trade_id": str(identity("trade", USER, "a")),
    }  # fmt: skip
    assert row["outcome_features"] == {
        "pnl_bps": 90.0, "max_drawdown_bps": 30.0, "hold_sec": 7200, "slippage_bps": 2.0, "move_bps": 100.0,
        "resolved_at": "2024-03-01T02:01:00.000000Z", "exit_price": 101.0, "stop_price": 98.8, "rule_violations": 0,
        "broken_rules": [], "direction_hit": True,
    }  # fmt: skip
    # By hand: 90 − 0.7·30 − 0 + 0.5 − 0.2·2 = 69.1.
    assert (row["utility_score"], row["label_quality"]) == (69.1, "good")
    assert (row["created_at"], row["learner"]) == (START, "policy")
    assert row["source_event_id"] == identity("signal", USER, "a")
    assert row["trajectory_id"] == identity("trajectory", identity("signal", USER, "a"))


def test_pass_r9_a_trajectory_is_pending_until_its_outcome_is_final(ledger: Ledger) -> None:
    rows = chain("a")
    with ledger.transaction() as tx:
        names = record(tx, rows[:2])
    fold(ledger, names)
    with ledger.reading() as tx:
        (row,) = told_rows(tx)
    assert (row["outcome_features"], row["utility_score"], row["label_quality"]) == (None, None, "pending")
    with ledger.transaction() as tx:
        names = record(tx, rows[2:])
    assert fold(ledger, names).n_updated == 1
    with ledger.reading() as tx:
        (row,) = told_rows(tx)
    assert row["label_quality"] == "good"


def test_pass_r6_a_trade_without_a_recommendation_keeps_its_fields_empty(ledger: Ledger) -> None:
    row = told(ledger, [opened("a"), closed("a", of="trade")])
    decision = row["decision_features"]
    assert (decision["direction"], decision["sl_bps"], decision["is_recommended"]) == (None, None, False)
    assert (decision["action"]["side"], decision["action"]["followed"], decision["action"]["overrode"]) == (
        "long", None, None,
    )  # fmt: skip
    assert row["label_quality"] == "good"


def test_pass_r6_an_override_is_the_users_and_leaves_the_recommendation_as_it_was(ledger: Ledger) -> None:
    against = converted("a", side="short", stop_price=101.2, leverage=20.0, is_followed=False)
    row = told(ledger, [tracked("a"), against, closed("a", pnl_bps=-110.0, move_bps=100.0)])
    decision, outcome = row["decision_features"], row["outcome_features"]
    assert {name: decision[name] for name in ADVICE} == ADVICE
    assert (decision["action"]["side"], decision["action"]["sl_bps"]) == ("short", 120.0)
    assert (decision["action"]["followed"], decision["action"]["overrode"]) == (False, True)
    # The market rose: the recommendation was right, the action was not, and the outcome is the action's.
    assert (outcome["direction_hit"], outcome["broken_rules"]) == (False, ["leverage_above_limit"])
    assert row["label_quality"] == "bad"


def test_a_stop_on_the_side_of_the_profit_is_none(ledger: Ledger) -> None:
    row = told(ledger, [tracked("a"), converted("a", stop_price=101.0), closed("a")])
    assert row["decision_features"]["action"]["sl_bps"] == -100.0
    assert row["outcome_features"]["broken_rules"] == ["no_stop_loss"]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"stop_price": None}, "no_stop_loss"),
        ({"leverage": 10.5}, "leverage_above_limit"),
        ({"size_pct": 8.5}, "size_above_max_position_pct"),
        ({"size_pct": None}, "size_above_max_position_pct"),
    ],
)
def test_the_rules_judge_the_action(sqlite_ledger: Ledger, change: Row, rule: str) -> None:
    row = told(sqlite_ledger, [tracked("a"), converted("a", **change), closed("a", pnl_bps=5000.0)])
    assert row["outcome_features"]["broken_rules"] == [rule]
    assert (row["outcome_features"]["rule_violations"], row["label_quality"]) == (1, "bad")


def crowd() -> list[Row]:
    """Twelve decisions of three users: ended, open, only tracked, opened directly, and one on an inference."""
    rows: list[Row] = []
    for number in range(12):
        key, at, who = f"d{number}", START + timedelta(days=5 * number), user(number % 3)
        kind = number % 4
        if kind == 0:
            rows += [tracked(key, at, who=who), converted(key, at, who=who)]
            rows.append(closed(key, at, who=who, pnl_bps=-7.5 * number, slippage_bps=None))
        elif kind == 1:
            rows += [opened(key, at, who=who), closed(key, at, who=who, of="trade")]
        elif kind == 2:
            rows.append({**tracked(key, at, who=who), "inference_id": identity("inference", key)})
        else:
            rows += [tracked(key, at, who=who), converted(key, at, who=who, stop_price=None)]
    return rows


def fold_in_batches(ledger: Ledger, rows: list[Row], rng: random.Random) -> list[Any]:
    """The trajectories after events that arrive in this order, in batches, each told again and again."""
    left = list(rows)
    seen: list[UUID] = []
    while left:
        batch, left = left[: (size := rng.randint(1, 7))], left[size:]
        with ledger.transaction() as tx:
            seen += record(tx, batch)
        fold(ledger, rng.choices(seen, k=rng.randint(1, 5)) + [row["event_id"] for row in batch])
    fold(ledger, pending(ledger))
    with ledger.reading() as tx:
        rows_now = told_rows(tx)
    fold(ledger, rng.sample(seen, len(seen)))
    with ledger.reading() as tx:
        assert told_rows(tx) == rows_now
    return rows_now


@pytest.fixture
def expected(sqlite_ledger: Ledger) -> list[Any]:
    """The trajectories of the crowd, folded once and in order."""
    with sqlite_ledger.transaction() as tx:
        names = record(tx, crowd())
    folded = fold(sqlite_ledger, names)
    assert (folded.n_new, len(folded.processed), folded.waiting) == (12, 24, ())
    with sqlite_ledger.reading() as tx:
        return told_rows(tx)


@pytest.mark.parametrize("seed", range(8))
def test_pass_r5_the_order_and_the_repetitions_of_events_change_no_row(
    empty_twin: Ledger, expected: list[Any], seed: int
) -> None:
    rng = random.Random(seed)
    empty_twin.make_current()
    rows = rng.sample(crowd(), len(crowd()))
    assert fold_in_batches(empty_twin, rows, rng) == expected
    assert pending(empty_twin) == []


@given(order=st.permutations(range(5)), batches=st.lists(st.integers(1, 3), min_size=5, max_size=5))
@settings(max_examples=25, deadline=None)
def test_pass_r5_any_order_of_two_chains_gives_the_same_rows(order: list[int], batches: list[int]) -> None:
    rows = [*chain("a"), opened("b"), closed("b", of="trade")]
    ledger, straight = Ledger("sqlite://"), Ledger("sqlite://")
    for one in (ledger, straight):
        one.make_current()
    told(straight, rows[:3])
    with straight.transaction() as tx:
        names = record(tx, rows[3:])
    fold(straight, names)
    left = [rows[place] for place in order]
    for size in batches:
        batch, left = left[:size], left[size:]
        with ledger.transaction() as tx:
            names = record(tx, batch) if batch else []
        fold(ledger, names)
    fold(ledger, pending(ledger))
    with ledger.reading() as first, straight.reading() as second:
        assert told_rows(first) == told_rows(second)


def test_pass_r5_an_event_told_twice_is_written_once(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        names = record(tx, chain("a"))
    assert fold(ledger, names).n_new == 1
    again = fold(ledger, names)
    assert (again.n_new, again.n_updated) == (0, 0)


def test_an_event_waits_for_its_decision_and_an_outcome_for_its_action(ledger: Ledger) -> None:
    signal, trade, end = chain("a")
    with ledger.transaction() as tx:
        record(tx, [end])
    assert fold(ledger, [end["event_id"]]).waiting == (end["event_id"],)
    with ledger.transaction() as tx:
        record(tx, [signal])
    folded = fold(ledger, pending(ledger))
    assert (folded.processed, folded.waiting) == ((signal["event_id"],), (end["event_id"],))
    with ledger.transaction() as tx:
        record(tx, [trade])
    assert fold(ledger, pending(ledger)).waiting == ()
    with ledger.reading() as tx:
        assert told_rows(tx)[0]["label_quality"] == "good"
    assert pending(ledger) == []


def test_a_decision_waits_for_the_inference_that_it_rests_on(sqlite_ledger: Ledger) -> None:
    row = {**tracked("a"), "inference_id": identity("inference", "late")}
    with sqlite_ledger.transaction() as tx:
        append_chained(tx, event_outbox, [row])
    assert fold(sqlite_ledger, [row["event_id"]]).waiting == (row["event_id"],)
    with sqlite_ledger.transaction() as tx:
        append_inferences(tx, [inference(row)])
    assert fold(sqlite_ledger, [row["event_id"]]).processed == (row["event_id"],)


def test_pass_r3_every_trajectory_leads_to_its_trace_its_event_and_its_inference(ledger: Ledger) -> None:
    rows = crowd()
    with ledger.transaction() as tx:
        names = record(tx, rows)
    fold(ledger, names)
    outbox, t, logs = event_outbox.c, decision_trajectories.c, inference_logs.c
    with ledger.reading() as tx:
        found = tx.execute(sa.select(t.trace_id, t.user_id, t.source_event_id, t.inference_id, t.learner)).all()
        assert len(found) == 12
        for row in found:
            of_source = sa.select(outbox.trace_id, outbox.user_id, outbox.event_type).where(
                outbox.source_event_id == row.source_event_id,
                outbox.event_type.in_(["signal.tracked", "trade.opened"]),
            )
            owner = tx.execute(of_source).one()
            assert (owner.trace_id, owner.user_id) == (row.trace_id, row.user_id)
            if row.inference_id is not None:
                of_inference = sa.select(logs.trace_id, logs.learner).where(logs.inference_id == row.inference_id)
                assert tx.execute(of_inference).one() == (row.trace_id, row.learner)
        assert sum(row.inference_id is not None for row in found) == 3
        assert {row.learner for row in found if row.inference_id is not None} == {"reversal"}


def test_poison_fails_by_itself(ledger: Ledger) -> None:
    bad: list[Row] = [
        {**tracked("b"), "payload": {"version": 2}},
        {**tracked("c"), "event_type": "signal.dreamt"},
        tracked("d", decided_at="2024-03-01T00:00:00"),
        tracked("e", decision_price=-1.0),
        closed("f", decision_id="'; DROP TABLE decision_trajectories; --"),
    ]
    too_much = [tracked("g"), converted("g"), closed("g", pnl_bps=1e300)]
    with ledger.transaction() as tx:
        good = record(tx, chain("a"))
        poison = record(tx, bad)
        record(tx, too_much)
    folded = fold(ledger, pending(ledger))
    assert set(folded.failed) == {*poison, too_much[2]["event_id"]}
    assert set(folded.processed) == {*good, too_much[0]["event_id"], too_much[1]["event_id"]}
    assert "version 2" in str(folded.failed[poison[0]])
    with ledger.reading() as tx:
        assert sorted(row["label_quality"] for row in told_rows(tx)) == ["good", "pending"]
    assert set(pending(ledger)) == set(folded.failed)


def test_an_event_of_another_user_ends_nobody_elses_decision(sqlite_ledger: Ledger) -> None:
    stranger = {**closed("a"), "user_id": user(1)}
    with sqlite_ledger.transaction() as tx:
        record(tx, [*chain("a")[:2], stranger])
    assert fold(sqlite_ledger, pending(sqlite_ledger)).waiting == (stranger["event_id"],)
    with sqlite_ledger.reading() as tx:
        assert told_rows(tx)[0]["outcome_features"] is None


def test_pass_r7_nothing_that_comes_later_changes_a_stored_context(ledger: Ledger) -> None:
    before = told(ledger, chain("a")[:1])["context_features"]
    # The same decision told once more with another market, and everything that followed.
    other = {**tracked("a", context={"volatility": 0.9}), "event_id": identity("event", "other")}
    other["recorded_at"] = START + timedelta(days=1)
    with ledger.transaction() as tx:
        record(tx, [other, *chain("a")[1:]])
    fold(ledger, pending(ledger))
    with ledger.reading() as tx:
        assert told_rows(tx)[0]["context_features"] == before
    with pytest.raises(RefusalError), ledger.transaction() as tx:
        tx.execute(sa.update(decision_trajectories).values(context_features={}))


def test_a_label_given_since_and_the_settings_of_the_day_survive_another_fold(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        names = record(tx, chain("a"))
    fold(ledger, names)
    with ledger.transaction() as tx:
        tx.execute(sa.update(decision_trajectories).values(label_quality="ambiguous"))
    fold(ledger, names, PassportSettings(utility=UtilitySettings(w1=3.0)))
    with ledger.reading() as tx:
        (row,) = told_rows(tx)
    assert (row["label_quality"], row["utility_score"]) == ("ambiguous", 69.1)


def test_events_are_due_by_age_and_not_before_their_next_attempt(sqlite_ledger: Ledger) -> None:
    rows = [tracked(f"d{number}", START + timedelta(hours=number)) for number in (2, 0, 1)]
    with sqlite_ledger.transaction() as tx:
        record(tx, rows)
        of_first = event_outbox.c.event_id == rows[1]["event_id"]
        later: datetime = NOW + timedelta(minutes=1)
        tx.execute(sa.update(event_outbox).where(of_first).values(next_attempt_at=later))
    with sqlite_ledger.reading() as tx:
        assert pending_events(tx, NOW, 1) == [rows[2]["event_id"]]
        assert pending_events(tx, later, 9) == [rows[1]["event_id"], rows[2]["event_id"], rows[0]["event_id"]]
