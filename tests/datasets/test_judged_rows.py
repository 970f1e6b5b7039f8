"""Whole frames are judged as `policy` judges one decision."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pawl.datasets.finished_rows import FINISHED_SCHEMA
from pawl.datasets.judged_rows import judged
from pawl.datasets.passport_settings import PassportSettings
from pawl.policy.action import Action
from pawl.policy.label_quality import LabelSettings, label_quality
from pawl.policy.risk_rules import Exposure, broken_rules
from pawl.policy.utility import UtilitySettings, UtilityTerms, direction_hit, utility_score

BPS = st.floats(-2000, 2000, allow_nan=False)
MAYBE = st.none() | st.floats(0, 200, allow_nan=False)

ROWS = st.fixed_dictionaries(
    {
        "direction": st.sampled_from(["long", "short", "flat"]),
        "sl_bps": MAYBE,
        "leverage": MAYBE,
        "size_pct": MAYBE,
        "max_position_pct": MAYBE,
        "pnl_bps": BPS,
        "max_drawdown_bps": st.floats(0, 2000, allow_nan=False),
        "move_bps": BPS,
        "hold_sec": st.integers(0, 10**6),
    }
)
WEIGHTS = st.builds(UtilitySettings, w1=st.floats(0, 3), w2=st.floats(0, 3), w3=st.floats(0, 9))


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    empty: dict[str, Any] = {name: None for name in FINISHED_SCHEMA}
    return pl.DataFrame([{**empty, **row} for row in rows], schema=FINISHED_SCHEMA)


@given(rows=st.lists(ROWS, min_size=1, max_size=5), weights=WEIGHTS)
@settings(max_examples=60, deadline=None)
def test_pass_r8_a_frame_gets_the_utility_and_the_labels_of_the_formula(
    rows: list[dict[str, Any]], weights: UtilitySettings
) -> None:
    rules = PassportSettings(utility=weights, labels=LabelSettings(good_from=20.0, bad_below=-5.0))
    for row, found in zip(rows, judged(frame(rows), rules).to_dicts(), strict=True):
        action = Action(row["direction"])
        exposure = Exposure(
            direction=action,
            **{name: row[name] for name in ("sl_bps", "leverage", "size_pct", "max_position_pct")},
        )
        n_broken = len(broken_rules(exposure, rules.limits))
        terms = UtilityTerms(
            pnl_bps=row["pnl_bps"],
            max_drawdown_bps=row["max_drawdown_bps"],
            rule_violations=n_broken,
            direction_hit=direction_hit(action, row["move_bps"], weights.neutral_band_bps),
            hold_sec=row["hold_sec"],
        )
        expected = utility_score(terms, weights)
        assert found["rule_violations"] == n_broken
        # Polars and Python may round half of the last digit apart.
        assert found["utility_score"] == pytest.approx(expected, abs=1.01e-4)
        if abs(found["utility_score"] - expected) == 0:
            assert found["label_quality"] == label_quality(expected, n_broken, rules.labels, is_final=True)


def test_an_outcome_that_is_not_finite_stays_pending() -> None:
    row = {"direction": "long", "pnl_bps": None, "max_drawdown_bps": 1.0, "move_bps": 1.0, "hold_sec": 1}
    found = judged(frame([row]), PassportSettings()).to_dicts()[0]
    assert (found["utility_score"], found["label_quality"]) == (None, "pending")


def test_no_rows_are_no_rows() -> None:
    assert judged(frame([]), PassportSettings()).height == 0
