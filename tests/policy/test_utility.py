"""Utility against the formula of the passport spec, worked out by hand."""

from decimal import Decimal
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pawl.errors import InputError
from pawl.policy.action import Action
from pawl.policy.utility import UtilitySettings, UtilityTerms, direction_hit, time_decay_penalty, utility_score

DEFAULTS = UtilitySettings()


def terms(
    pnl_bps: float = 0.0,
    max_drawdown_bps: float = 0.0,
    rule_violations: int = 0,
    direction_hit: bool = False,
    hold_sec: float = 0.0,
) -> UtilityTerms:
    return UtilityTerms(
        pnl_bps=pnl_bps,
        max_drawdown_bps=max_drawdown_bps,
        rule_violations=rule_violations,
        direction_hit=direction_hit,
        hold_sec=hold_sec,
    )


def test_pass_r8_the_weights_are_those_of_the_spec() -> None:
    weights = (DEFAULTS.w1, DEFAULTS.w2, DEFAULTS.w3, DEFAULTS.w4, DEFAULTS.w5)
    assert weights == (1.0, 0.7, 2.0, 0.5, 0.2)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (terms(), 0.0),
        # 120 - 0.7*40 - 2*1 + 0.5 - 0.2*1.5
        (terms(120, 40, 1, True, 5400), 90.2),
        # -83.25 - 0.7*101.5 - 2*3 + 0 - 0.2*(86399/3600 = 23.999722...)
        (terms(-83.25, 101.5, 3, False, 86399), -165.0999),
        # 7.77777 less 0.7 of 1.11111, half a point for the hit, a second held
        (terms(7.77777, 1.11111, 0, True, 1), 7.4999),
    ],
)
def test_pass_r8_known_inputs_give_the_worked_out_utility(known: UtilityTerms, expected: float) -> None:
    assert utility_score(known, DEFAULTS) == expected


@pytest.mark.parametrize(
    ("alone", "expected"),
    [
        (terms(pnl_bps=1), 1.0),
        (terms(max_drawdown_bps=1), -0.7),
        (terms(rule_violations=1), -2.0),
        (terms(direction_hit=True), 0.5),
        (terms(hold_sec=3600), -0.2),
    ],
)
def test_pass_r8_each_term_has_its_own_weight(alone: UtilityTerms, expected: float) -> None:
    assert utility_score(alone, DEFAULTS) == expected


@given(st.floats(-1e5, 1e5), st.floats(0, 1e5), st.integers(0, 20), st.booleans(), st.integers(0, 10**7), st.data())
def test_pass_r8_any_inputs_agree_with_exact_decimals(
    pnl: float, drawdown: float, violations: int, hit: bool, hold_sec: int, data: st.DataObject
) -> None:
    weights = [data.draw(st.integers(0, 50)) for _ in range(5)]
    settings = UtilitySettings(**{f"w{number}": weight for number, weight in enumerate(weights, 1)})
    w1, w2, w3, w4, w5 = map(Decimal, weights)
    exact = w1 * Decimal(pnl) - w2 * Decimal(drawdown) - w3 * violations + w4 * int(hit) - w5 * Decimal(hold_sec) / 3600
    found = Decimal(utility_score(terms(pnl, drawdown, violations, hit, hold_sec), settings))
    assert abs(found - exact) <= Decimal("0.0000501")


@pytest.mark.parametrize(
    ("action", "move_bps", "is_hit"),
    [
        (Action.LONG, 0.1, True),
        (Action.LONG, 0.0, False),
        (Action.LONG, -0.1, False),
        (Action.SHORT, -0.1, True),
        (Action.SHORT, 0.0, False),
        (Action.SHORT, 0.1, False),
        (Action.FLAT, 24.9, True),
        (Action.FLAT, -24.9, True),
        (Action.FLAT, 25.0, False),
        (Action.FLAT, -25.0, False),
    ],
)
def test_a_hit_is_a_move_the_decided_way_or_inside_the_band(action: Action, move_bps: float, is_hit: bool) -> None:
    assert direction_hit(action, move_bps, DEFAULTS.neutral_band_bps) is is_hit


@pytest.mark.parametrize("action", Action)
def test_an_unknown_move_hits_nothing(action: Action) -> None:
    assert not direction_hit(action, nan, 25.0)


def test_time_decays_by_the_hour() -> None:
    assert [time_decay_penalty(seconds) for seconds in (0, 900, 3600, 86400)] == [0, 0.25, 1, 24]


@pytest.mark.parametrize(
    "wrong",
    [
        {"pnl_bps": nan},
        {"pnl_bps": inf},
        {"max_drawdown_bps": nan},
        {"max_drawdown_bps": -1.0},
        {"hold_sec": -1.0},
        {"hold_sec": inf},
        {"rule_violations": -1},
    ],
)
def test_terms_that_mean_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        terms(**wrong)  # type: ignore[arg-type]  # the keys are drawn from its own


def test_a_utility_that_overflows_its_column_is_refused() -> None:
    assert utility_score(terms(99_999_999.9999), DEFAULTS) == 99_999_999.9999
    with pytest.raises(InputError, match="eight digits"):
        utility_score(terms(99_999_999.99999), DEFAULTS)


@pytest.mark.parametrize("wrong", [{"w1": -1.0}, {"w2": nan}, {"w6": 1.0}, {"neutral_band_bps": 0.0}])
def test_weights_out_of_bounds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        UtilitySettings.model_validate(wrong)
