"""The parts of a trajectory, from events alone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from decision_events import START, Row, closed, converted, opened, tracked, user
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.trajectory import DecisionEvent, Scored, chains_of, context_part, score
from pawl.errors import InputError
from pawl.ledger.event_payloads import read_payload
from pawl.policy.utility import UtilitySettings


def read(row: Row) -> DecisionEvent:
    columns: Any = {name: row[name] for name in DecisionEvent.__slots__ if name not in ("payload", "decision_id")}
    return DecisionEvent(payload=read_payload(row["event_type"], row["payload"]), **columns)


def scored(*rows: Row, settings: PassportSettings | None = None) -> Scored:
    (found,) = score(list(chains_of(map(read, rows)).values()), settings or PassportSettings())
    assert isinstance(found, Scored)
    return found


@pytest.mark.parametrize("weights", [{}, {"w1": 2.0}, {"w2": 0.0}, {"w3": 10.0}, {"w4": 5.0}, {"w5": 1.0}])
def test_pass_r8_the_utility_of_a_trajectory_is_the_formula_with_the_weights_that_are_set(weights: Any) -> None:
    w = {"w1": 1.0, "w2": 0.7, "w3": 2.0, "w4": 0.5, "w5": 0.2, **weights}
    end = closed("a", pnl_bps=-40.5, max_drawdown_bps=55.25, hold_sec=9000, move_bps=-60.0)
    rules = PassportSettings(utility=UtilitySettings(**weights))
    found = scored(tracked("a"), converted("a", side="short", stop_price=None), end, settings=rules)
    expected = w["w1"] * -40.5 - w["w2"] * 55.25 - w["w3"] * 1 + w["w4"] * 1 - w["w5"] * 2.5
    assert found.utility_score == pytest.approx(expected, abs=5e-5)
    assert found.outcome_features["direction_hit"] is True


def test_of_two_events_that_tell_one_part_the_first_recorded_counts() -> None:
    first, second = read(closed("a")), read(closed("a", pnl_bps=1.0))
    later = replace(second, recorded_at=second.recorded_at + timedelta(seconds=1))
    rows = [read(tracked("a")), read(converted("a"))]
    for order in ([first, later], [later, first]):
        (chain,) = chains_of([*order, *rows]).values()
        assert chain.closed == first


def test_pass_r7_the_context_is_that_of_the_event_that_was_recorded_first() -> None:
    first = read(tracked("a"))
    again = replace(read(tracked("a", context={"volatility": 0.9})), recorded_at=START + timedelta(days=1))
    for order in ([first, again], [again, first]):
        (chain,) = chains_of(order).values()
        assert context_part(chain)["volatility"] == 0.01


def test_events_of_another_user_or_trace_are_no_part_of_a_chain() -> None:
    foreign = {**converted("a"), "user_id": user(7)}
    elsewhere = {**closed("a"), "trace_id": "u/other"}
    (chain,) = chains_of(map(read, [tracked("a"), foreign, elsewhere])).values()
    assert (chain.acted, chain.closed, chain.is_final) == (None, None, False)


def test_a_trade_opened_directly_is_its_own_action() -> None:
    (chain,) = chains_of([read(opened("a")), read(closed("a", of="trade"))]).values()
    assert chain.acted == chain.decided
    assert chain.is_final


def test_an_event_that_names_no_decision_is_refused() -> None:
    with pytest.raises(InputError, match="no id"):
        read(converted("a", START, signal_id="../../etc"))
