"""The contract of plans: what it takes, and that everything else becomes neutral and counts as a breach."""

import json
from copy import deepcopy
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.errors import InputError
from pawl.policy.action import Action
from pawl.policy.plan import NEUTRAL, EntryPlan, RiskPlan, TakeProfit, parse_plan, plan_payload, read_plan
from pawl.policy.risk_rules import RiskLimits, broken_rules

VALID: dict[str, Any] = {
    "direction": "long",
    "entry_plan": {"zone": [100.0, 101.5], "split": 3},
    "risk_plan": {"sl_bps": 120, "max_position_pct": 8},
    "tp_plan": [
        {"level": 1, "tp_bps": 180, "size_pct": 40},
        {"level": 2, "tp_bps": 360, "size_pct": 60},
    ],
    "confidence": 0.71,
    "rationale": "funding fell while the price held",
    "invalidators": ["a close below 99"],
}


def changed(path: str, value: object) -> str:
    """The valid plan as JSON, with one thing in it replaced; a number in the path is a place in a list."""
    plan = deepcopy(VALID)
    *way, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
    place: Any = plan
    for part in way:
        place = place[part]
    place[last] = value
    return json.dumps(plan)


def without(path: str) -> str:
    plan = deepcopy(VALID)
    *way, last = path.split(".")
    place: Any = plan
    for part in way:
        place = place[int(part)] if part.isdecimal() else place[part]
    del place[last]
    return json.dumps(plan)


def test_pass_r25_a_valid_plan_is_read_field_by_field() -> None:
    reading = read_plan(json.dumps(VALID))
    assert not reading.is_invalid_output
    plan = reading.plan
    assert (plan.direction, plan.confidence, plan.rationale) == (Action.LONG, 0.71, "funding fell while the price held")
    assert plan.entry_plan == EntryPlan(low=100.0, high=101.5, split=3)
    assert plan.risk_plan == RiskPlan(sl_bps=120, max_position_pct=8)
    assert plan.tp_plan == (
        TakeProfit(level=1, tp_bps=180, size_pct=40),
        TakeProfit(level=2, tp_bps=360, size_pct=60),
    )
    assert plan.invalidators == ("a close below 99",)


@pytest.mark.parametrize("direction", ["long", "short", "neutral"])
def test_pass_r25_what_is_written_is_what_was_read(direction: str) -> None:
    text = changed("direction", direction)
    assert json.loads(json.dumps(plan_payload(parse_plan(text)))) == json.loads(text)


AT_THE_EDGE = {
    "entry_plan.zone": [0, 0],
    "entry_plan.split": 1,
    "tp_plan": [],
    "tp_plan.1.size_pct": 60.0,
    "confidence": 1,
    "invalidators": [],
    "risk_plan.max_position_pct": 100,
}


@pytest.mark.parametrize("path", AT_THE_EDGE)
def test_pass_r25_the_edges_are_allowed(path: str) -> None:
    assert read_plan(changed(path, AT_THE_EDGE[path])).fault is None


def test_parts_that_sum_to_the_whole_are_allowed() -> None:
    parts = [{"level": n, "tp_bps": 100.0 * n, "size_pct": size} for n, size in enumerate((0.4, 35.2, 64.4), 1)]
    assert read_plan(changed("tp_plan", parts)).fault is None


def test_pass_r25_neutral_needs_no_stop() -> None:
    plan = json.loads(changed("direction", "neutral"))
    plan["risk_plan"]["sl_bps"] = 0
    assert read_plan(json.dumps(plan)).fault is None


INVALID = [
    *(("direction", value) for value in ("LONG", "buy", "flat", None, 1, ["long"])),
    *(("entry_plan.zone", value) for value in ([2, 1], [1], [1, 2, 3], "1-2", None, [1, None], [1, "2"])),
    *(("entry_plan.split", value) for value in (0, -1, 1.0, True, "3", None)),
    *(("risk_plan.sl_bps", value) for value in (0, -120, None, "120", True)),
    *(("risk_plan.max_position_pct", value) for value in (-1, 100.1, None)),
    *(("tp_plan.0.level", value) for value in (2, 3, 1.0, True)),
    *(("tp_plan.0.tp_bps", value) for value in (0, -10, None)),
    *(("tp_plan.0.size_pct", value) for value in (-1, 40.1, 101, None)),
    *(("tp_plan", value) for value in ({}, None, [1], [{}])),
    *(("confidence", value) for value in (-0.01, 1.01, "0.7", None, True)),
    *(("rationale", value) for value in (None, 1, ["because"], "a\0b", "\ud800")),
    *(("invalidators", value) for value in ("text", None, [1], ["a\0b"])),
    *((path, 1) for path in ("note", "entry_plan.note", "risk_plan.note", "tp_plan.0.note")),
]


@pytest.mark.parametrize(("path", "value"), INVALID)
def test_pass_r25_each_breach_of_the_contract_becomes_neutral(path: str, value: object) -> None:
    reading = read_plan(changed(path, value))
    assert reading.plan is NEUTRAL
    assert reading.fault is not None
    # A lone text fault names the kind of field, a nested unknown one its group.
    named = path.split(".")[0]
    assert named in reading.fault or reading.fault.startswith(("text:", "plan:")), reading.fault


FIELDS = [
    *VALID,
    *("entry_plan.zone", "entry_plan.split", "risk_plan.sl_bps", "risk_plan.max_position_pct"),
    *("tp_plan.0.level", "tp_plan.0.tp_bps", "tp_plan.0.size_pct"),
]


@pytest.mark.parametrize("path", FIELDS)
def test_pass_r25_a_missing_field_becomes_neutral_and_is_named(path: str) -> None:
    reading = read_plan(without(path))
    assert reading.plan is NEUTRAL
    named = path.replace(".0.", ".")
    assert reading.fault == f"{named if '.' in named else f'plan.{named}'}: is missing"


NUMBERS = [path for path in FIELDS if path.split(".")[-1] in {"sl_bps", "tp_bps", "size_pct", "confidence", "split"}]
NO_NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 400, "9" * 5000]


@pytest.mark.parametrize("path", [*NUMBERS, "entry_plan.zone.1", "risk_plan.max_position_pct", "tp_plan.1.level"])
@pytest.mark.parametrize("token", NO_NUMBERS, ids=lambda token: token[:9])
def test_pass_r25_what_no_float_holds_becomes_neutral(path: str, token: str) -> None:
    text = changed(path, "HERE").replace('"HERE"', token)
    assert read_plan(text).plan is NEUTRAL


TEXTS = ["", "long", "null", "[]", "{", json.dumps(VALID)[:-1], json.dumps(VALID) + "x", "[" * 100_000]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:9])
def test_pass_r25_what_is_no_plan_at_all_becomes_neutral(text: str) -> None:
    assert read_plan(text).plan is NEUTRAL


def test_pass_r25_a_key_given_twice_becomes_neutral() -> None:
    text = json.dumps(VALID).replace('"confidence"', '"confidence": 0.1, "confidence"')
    assert read_plan(text).fault == "JSON: cannot be read: a key is given twice"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(FIELDS), anything)
def test_pass_r25_whatever_comes_in_either_keeps_the_contract_or_is_neutral(path: str, value: object) -> None:
    reading = read_plan(changed(path, value))
    if reading.is_invalid_output:
        assert reading.plan is NEUTRAL
    else:
        assert parse_plan(json.dumps(plan_payload(reading.plan), allow_nan=False)) == reading.plan


@given(st.text())
def test_pass_r25_no_text_raises(text: str) -> None:
    assert read_plan(text).is_invalid_output


def test_pass_r25_an_invalid_output_counts_as_a_risk_violation() -> None:
    limits = RiskLimits()
    assert broken_rules(read_plan("no plan").exposure(leverage=None), limits) == ("invalid_output",)
    assert broken_rules(read_plan(json.dumps(VALID)).exposure(leverage=3.0), limits) == ()
    neutral = read_plan(json.dumps(plan_payload(NEUTRAL)))
    assert broken_rules(neutral.exposure(leverage=None), limits) == ()


@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_no_part_of_a_plan_can_be_made_of_what_is_no_number(bad: float) -> None:
    with pytest.raises(InputError, match="not allowed"):
        EntryPlan(low=0.0, high=bad, split=1)
    with pytest.raises(InputError, match="not allowed"):
        RiskPlan(sl_bps=bad, max_position_pct=1.0)
    with pytest.raises(InputError, match="not allowed"):
        TakeProfit(level=1, tp_bps=bad, size_pct=1.0)
