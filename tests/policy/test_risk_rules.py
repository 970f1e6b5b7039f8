"""Each rule alone, what is unknown, and the filter that stands before every score."""

from dataclasses import replace
from math import inf, nan

import polars as pl
import pytest
from pydantic import ValidationError

from pawl.errors import SchemaError
from pawl.policy.action import Action
from pawl.policy.risk_rules import (
    RISK_COLUMNS,
    RISK_RULES,
    Exposure,
    RiskLimits,
    broken_rules,
    rule_abiding,
    with_violations,
)

LIMITS = RiskLimits(max_leverage=5.0, max_position_pct=10.0)
SOUND = Exposure(direction=Action.LONG, sl_bps=120.0, leverage=5.0, size_pct=8.0, max_position_pct=8.0)


@pytest.mark.parametrize("direction", [Action.LONG, Action.SHORT])
def test_a_sound_position_breaks_nothing(direction: Action) -> None:
    assert broken_rules(replace(SOUND, direction=direction), LIMITS) == ()
    assert broken_rules(replace(SOUND, direction=direction, max_position_pct=None), LIMITS) == ()


CASES: list[tuple[dict[str, float | None], str]] = [
    *(({"sl_bps": value}, "no_stop_loss") for value in (None, 0.0, -1.0, nan, inf)),
    *(({"leverage": value}, "leverage_above_limit") for value in (None, 5.001, 100.0, 0.0, nan, inf)),
    *(({"size_pct": value}, "size_above_max_position_pct") for value in (None, 8.001, 0.0, nan)),
    ({"size_pct": 10.001, "max_position_pct": None}, "size_above_max_position_pct"),
    ({"size_pct": 10.001, "max_position_pct": 50.0}, "size_above_max_position_pct"),
    ({"max_position_pct": nan}, "size_above_max_position_pct"),
    ({"sl_bps": 2000.0}, "stop_beyond_liquidation"),
    ({"sl_bps": 10_000.0, "leverage": 1.0}, "stop_beyond_liquidation"),
]


@pytest.mark.parametrize(("changed", "rule"), CASES)
def test_a_breach_and_what_cannot_be_checked_are_named(changed: dict[str, float | None], rule: str) -> None:
    assert rule in broken_rules(replace(SOUND, **changed), LIMITS)  # type: ignore[arg-type]  # the keys are its fields


def test_each_rule_can_be_broken_alone() -> None:
    alone = {
        "no_stop_loss": replace(SOUND, sl_bps=None),
        "stop_beyond_liquidation": replace(SOUND, sl_bps=2000.0),
        "leverage_above_limit": replace(SOUND, leverage=6.0),
        "size_above_max_position_pct": replace(SOUND, size_pct=9.0),
        "invalid_output": Exposure(direction=Action.FLAT, is_invalid_output=True),
    }
    assert {name: broken_rules(exposure, LIMITS) for name, exposure in alone.items()} == {n: (n,) for n in alone}
    assert {rule.name for rule in RISK_RULES} - set(alone) == {"direction_unknown"}
    assert all(rule.meaning for rule in RISK_RULES)


def test_all_broken_rules_are_counted() -> None:
    worst = Exposure(direction=Action.SHORT, leverage=50.0, size_pct=90.0, max_position_pct=8.0)
    assert broken_rules(worst, LIMITS) == ("no_stop_loss", "leverage_above_limit", "size_above_max_position_pct")


def test_flat_needs_neither_stop_nor_size() -> None:
    assert broken_rules(Exposure(direction=Action.FLAT), LIMITS) == ()


def frame(*changed: dict[str, object]) -> pl.DataFrame:
    sound: dict[str, object] = {
        "direction": "long",
        "sl_bps": 120.0,
        "leverage": 2.0,
        "size_pct": 5.0,
        "max_position_pct": 8.0,
        "is_invalid_output": False,
        "pnl_bps": 1.0,
    }
    return pl.DataFrame([{**sound, **each} for each in changed])


def test_a_frame_and_one_exposure_are_judged_alike() -> None:
    rows = frame({}, {"sl_bps": None}, {"leverage": 9.0, "size_pct": 9.0})
    judged = with_violations(rows, LIMITS)
    one_by_one = [
        broken_rules(Exposure(**{**row, "direction": Action(row["direction"])}), LIMITS)
        for row in rows.select(RISK_COLUMNS).iter_rows(named=True)
    ]
    assert [tuple(names) for names in judged["broken_rules"]] == one_by_one
    assert judged["rule_violations"].to_list() == [len(names) for names in one_by_one] == [0, 1, 2]


@pytest.mark.parametrize("direction", [None, "buy", "neutral"])
def test_a_direction_that_is_no_action_breaks_a_rule(direction: str | None) -> None:
    assert with_violations(frame({"direction": direction}), LIMITS)["broken_rules"].item().to_list() == [
        "direction_unknown"
    ]


def test_an_output_of_unknown_validity_counts_as_invalid() -> None:
    rows = frame({}).with_columns(is_invalid_output=pl.lit(None, pl.Boolean))
    assert with_violations(rows, LIMITS)["broken_rules"].item().to_list() == ["invalid_output"]


def test_pass_r40_no_profit_buys_a_rule_breaker_a_place() -> None:
    rows = frame(
        {"pnl_bps": 1.0},
        {"pnl_bps": 1e9, "leverage": 100.0},
        {"pnl_bps": 1e9, "sl_bps": None},
        {"pnl_bps": -5.0},
        {"pnl_bps": 1e9, "sl_bps": None, "leverage": 100.0},
    )
    kept = rule_abiding(rows, LIMITS)
    assert kept.rows.equals(rows[[0, 3]])
    assert kept.n_removed == 3
    counted = {name: n for name, n in kept.n_by_rule.items() if n}
    assert counted == {"no_stop_loss": 2, "leverage_above_limit": 2, "stop_beyond_liquidation": 1}


def test_an_empty_frame_stays_empty() -> None:
    kept = rule_abiding(frame({}).clear(), LIMITS)
    assert (kept.rows.height, kept.n_removed, sum(kept.n_by_rule.values())) == (0, 0, 0)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(SchemaError, match="`leverage` is missing"):
        rule_abiding(frame({}).drop("leverage"), LIMITS)


@pytest.mark.parametrize("wrong", [{"max_leverage": 0.5}, {"max_leverage": inf}, {"max_position_pct": 0.0}, {"max": 1}])
def test_limits_out_of_bounds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        RiskLimits.model_validate(wrong)
