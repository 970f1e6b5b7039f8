"""Regimes: conditions by themselves, the highest priority wins, and no condition is no state."""

import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pawl.features.sets import build_dataset
from pawl.labels.interval import interval
from pawl.labels.regime import REGIME_HORIZON_BARS, REGIME_INPUTS, STATE_TO_ID, STATES, assign_regime_labels

# A day on which no condition holds, and for each state the values that make it hold.
QUIET = {
    "range_pos_60": 0.5, "rsi_smooth": 50.0, "curv_2": 0.0, "drawdown_60": -0.05, "ret_20": 0.1, "ret_10": 0.0,
    "ret_5": 0.05, "volume_ratio_20": 1.0, "ema_spread_rel": 0.0, "price_accel": 0.0,
}  # fmt: skip
HOLDS: dict[str, dict[str, float]] = {
    "Peak": {"range_pos_60": 0.91, "rsi_smooth": 61.0, "curv_2": -0.01},
    "Accumulation": {"drawdown_60": -0.11, "ret_20": -0.049, "curv_2": -0.49, "volume_ratio_20": 0.71},
    "EarlyUp": {"rsi_smooth": 40.1, "ema_spread_rel": 0.01, "ret_10": 0.01, "range_pos_60": 0.79},
    "LateDown": {"drawdown_60": -0.16, "ret_10": -0.01, "price_accel": 0.01},
    "Distribution": {"range_pos_60": 0.61, "ret_5": 0.019, "volume_ratio_20": 1.01},
}
AT_LIMIT: dict[str, dict[str, float]] = {
    "Peak": {"range_pos_60": 0.90, "rsi_smooth": 60.0, "curv_2": 0.0},
    "Accumulation": {"drawdown_60": -0.10, "ret_20": 0.05, "curv_2": -0.5, "volume_ratio_20": 0.7},
    "EarlyUp": {"rsi_smooth": 40.0, "ema_spread_rel": 0.0, "ret_10": 0.0, "range_pos_60": 0.80},
    "LateDown": {"drawdown_60": -0.15, "ret_10": 0.0, "price_accel": 0.0},
    "Distribution": {"range_pos_60": 0.60, "ret_5": 0.02, "volume_ratio_20": 1.0},
}


def label(day: dict[str, float | None]) -> tuple[str | None, int | None]:
    """The label of a day that follows five quiet ones."""
    frame = pl.DataFrame([{**QUIET, "ticker": "A"}] * 5 + [{**day, "ticker": "A"}])
    found: tuple[str | None, int | None] = assign_regime_labels(frame).select("regime_state", "regime_state_id").row(5)
    return found


def by_hand(row: dict[str, float | None], spread_5_ago: float | None) -> str | None:
    """The five conditions in plain Python: a comparison with a missing value is false."""

    def more(name: str, limit: float) -> bool:
        value = row[name]
        return value is not None and value > limit

    def less(name: str, limit: float) -> bool:
        value = row[name]
        return value is not None and value < limit

    spread = row["ema_spread_rel"]
    is_rising = spread is not None and spread_5_ago is not None and spread > spread_5_ago
    if more("range_pos_60", 0.9) and more("rsi_smooth", 60) and less("curv_2", 0):
        return "Peak"
    is_flat = less("ret_20", 0.05) and more("ret_20", -0.05)
    if less("drawdown_60", -0.1) and is_flat and more("curv_2", -0.5) and more("volume_ratio_20", 0.7):
        return "Accumulation"
    if more("rsi_smooth", 40) and is_rising and more("ret_10", 0) and less("range_pos_60", 0.8):
        return "EarlyUp"
    if less("drawdown_60", -0.15) and less("ret_10", 0) and more("price_accel", 0):
        return "LateDown"
    if more("range_pos_60", 0.6) and less("ret_5", 0.02) and more("volume_ratio_20", 1.0):
        return "Distribution"
    return None


def test_m002_r7_the_priorities_are_those_of_the_spec() -> None:
    assert {state.name: state.priority for state in STATES} == {
        "Peak": 5, "Accumulation": 4, "EarlyUp": 3, "LateDown": 2, "Distribution": 1,
    }  # fmt: skip


@pytest.mark.parametrize("state", HOLDS)
def test_a_state_holds_by_its_own_condition(state: str) -> None:
    assert label({**QUIET, **HOLDS[state]}) == (state, STATE_TO_ID[state])


@pytest.mark.parametrize("state", HOLDS)
def test_every_limit_of_a_state_is_strict_and_needed(state: str) -> None:
    for name, limit in AT_LIMIT[state].items():
        assert label({**QUIET, **HOLDS[state], name: limit})[0] != state, name


@pytest.mark.parametrize(
    ("higher", "lower", "both"),
    [
        ("Peak", "Distribution", {"ret_5": 0.0}),
        ("Accumulation", "LateDown", {"drawdown_60": -0.16}),
        ("Accumulation", "EarlyUp", {"curv_2": 0.1}),
        ("EarlyUp", "Distribution", {"volume_ratio_20": 1.1, "range_pos_60": 0.7}),
        ("LateDown", "Distribution", {"range_pos_60": 0.7}),
    ],
)
def test_m002_r7_of_two_true_conditions_the_higher_priority_wins(
    higher: str, lower: str, both: dict[str, float]
) -> None:
    assert label({**QUIET, **HOLDS[lower], **HOLDS[higher], **both})[0] == higher


def test_m002_r8_the_order_of_the_conditions_never_changes_a_label(rng: np.random.Generator) -> None:
    n = 2000
    columns = {name: rng.normal(value, 0.3 + abs(value), n) for name, value in QUIET.items()}
    frame = pl.DataFrame({"ticker": "A", **columns})
    expected = assign_regime_labels(frame)

    for states in itertools.permutations(STATES):
        assert_frame_equal(assign_regime_labels(frame, states), expected)
    assert set(expected.get_column("regime_state").unique()) == {None, *STATE_TO_ID}


def test_m002_r9_a_row_that_meets_no_condition_has_no_label() -> None:
    assert label(QUIET) == (None, None)


@pytest.mark.parametrize("state", HOLDS)
def test_m002_r9_a_null_among_its_inputs_never_meets_a_condition(state: str) -> None:
    for name in HOLDS[state]:
        assert label({**QUIET, **HOLDS[state], name: None})[0] != state, name
    assert label(dict.fromkeys(QUIET)) == (None, None)


def test_m002_r10_the_ids_are_a_bijection_of_the_five_states() -> None:
    assert STATE_TO_ID == {"Accumulation": 0, "EarlyUp": 1, "Peak": 2, "Distribution": 3, "LateDown": 4}


def test_the_rise_of_the_spread_is_measured_inside_a_ticker() -> None:
    early = {**QUIET, **HOLDS["EarlyUp"]}
    frame = pl.DataFrame([{**QUIET, "ticker": "A"}] * 5 + [{**early, "ticker": "B"}])

    assert assign_regime_labels(frame).get_column("regime_state")[-1] is None


def test_the_declared_inputs_are_the_columns_read() -> None:
    assert set(REGIME_INPUTS) == set(QUIET)


def test_a_regime_is_known_at_its_own_close() -> None:
    frame = pl.DataFrame({"ticker": ["A", "A"], "available_at": [1, 2]})
    t0, t1 = (frame.select(interval(REGIME_HORIZON_BARS)).get_column(name).to_list() for name in ("t0", "t1"))

    assert t0 == t1 == [1, 2]


def test_real_days_are_labelled_as_plain_python_labels_them(shared_data: Path) -> None:
    bars = pl.read_parquet(shared_data / "bars" / "crypto_1d.parquet").filter(pl.col("ticker") == "ETHUSDT")
    frame = assign_regime_labels(build_dataset(bars).collect())
    rows = frame.to_dicts()
    expected = [by_hand(row, rows[n - 5]["ema_spread_rel"] if n >= 5 else None) for n, row in enumerate(rows)]

    assert frame.get_column("regime_state").to_list() == expected
    assert frame.get_column("regime_state").value_counts().get_column("count").min() > 50
