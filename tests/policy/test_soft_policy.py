"""The rule layer against spec m002: its acceptance lines, and a plain reading of its rules row by row."""

from datetime import UTC, datetime, timedelta
from math import inf, isfinite, nan

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pawl.errors import SchemaError
from pawl.features.sets import build_dataset
from pawl.policy.policy_config import PolicyConfig
from pawl.policy.soft_policy import POLICY_INPUTS, apply_policy, soft_policy_score

ONE_ROW = PolicyConfig(vol_window=1)
START = datetime(2024, 1, 1, tzinfo=UTC)


def row(**changed: object) -> dict[str, object]:
    """A row whose score is `score` (through the return, at probability 1), with no tag and a volatility of 0.01."""
    score = changed.pop("score", 0.01)
    assert isinstance(score, float)
    return {
        "ticker": "A",
        "ts": START,
        "atr_smooth": 0.01,
        "I_vr_and_vs": False,
        "I_bd_late": False,
        "I_bd_early": False,
        "state_prob_peak": 0.0,
        "state_prob_missing": False,
        "pred_rebound_prob": 1.0,
        "pred_expected_ret_pct": score * 100,
        "pred_expected_dd_pct": 0.0,
        **changed,
    }


def decided(config: PolicyConfig = ONE_ROW, **changed: object) -> dict[str, object]:
    """What the policy makes of one such row."""
    return apply_policy(pl.DataFrame([row(**changed)]), config).row(0, named=True)


def score_of(p: float, ret: float, dd: float, risk_aversion: float = 0.5) -> float:
    frame = pl.DataFrame({"p": [p], "ret": [ret], "dd": [dd]})
    return float(frame.select(soft_policy_score(pl.col("p"), pl.col("ret"), pl.col("dd"), risk_aversion)).item())


def test_m002_r30_the_score_of_the_worked_example_is_seven_thousandths() -> None:
    assert score_of(0.6, 2.0, -1.0, 0.5) == pytest.approx(0.007, abs=1e-15)
    drawn = decided(pred_rebound_prob=0.6, pred_expected_ret_pct=2.0, pred_expected_dd_pct=-1.0)
    assert drawn["policy_score"] == pytest.approx(0.007, abs=1e-15)


@pytest.mark.parametrize("dd", [0.0, 0.5, 30.0])
def test_m002_r31_a_positive_drawdown_adds_no_penalty(dd: float) -> None:
    assert score_of(0.6, 2.0, dd) == score_of(0.6, 2.0, 0.0) == pytest.approx(0.012)


@pytest.mark.parametrize(
    ("overheated", "late", "factor"), [(False, False, 1.0), (True, False, 0.8), (False, True, 1.1), (True, True, 0.88)]
)
def test_m002_r32_tags_multiply_positive_scores_only(overheated: bool, late: bool, factor: float) -> None:
    tags = {"I_vr_and_vs": overheated, "I_bd_late": late}
    assert decided(score=0.01, **tags)["policy_score"] == pytest.approx(0.01 * factor, abs=1e-17)
    assert decided(score=-0.01, **tags)["policy_score"] == decided(score=-0.01)["policy_score"]


def test_m002_r32_the_action_follows_the_adjusted_score() -> None:
    assert decided(score=0.0024)["action"] == "long"
    assert decided(score=0.0024, I_vr_and_vs=True)["action"] == "flat"


def test_m002_r33_a_score_at_the_long_threshold_is_long() -> None:
    at = PolicyConfig(vol_window=1, theta_long=0.02, theta_short=-0.02)
    assert decided(at, score=0.02)["policy_score"] == 0.02
    assert decided(at, score=0.02)["action"] == "long"
    assert decided(at, score=float(np.nextafter(0.02, 0)))["action"] == "flat"


@pytest.mark.parametrize(
    ("early", "peak", "action"),
    [(False, 0.0, "flat"), (True, 0.0, "short"), (False, 0.5, "short"), (False, 0.49, "flat"), (True, 0.9, "short")],
)
def test_m002_r33_a_score_at_the_short_threshold_needs_a_condition(early: bool, peak: float, action: str) -> None:
    at = PolicyConfig(vol_window=1, theta_short=-0.02)
    assert decided(at, score=-0.02, I_bd_early=early, state_prob_peak=peak)["action"] == action
    above = decided(at, score=float(np.nextafter(-0.02, 0)), I_bd_early=early, state_prob_peak=peak)
    assert above["action"] == "flat"


anything = st.one_of(st.none(), st.sampled_from([nan, inf, -inf, 0.0, -0.0]), st.floats(-1e3, 1e3))
tags = st.one_of(st.none(), st.booleans())
sound_rows = st.fixed_dictionaries(
    {
        "atr_smooth": st.floats(0, 0.05),
        "I_vr_and_vs": st.booleans(),
        "I_bd_late": st.booleans(),
        "I_bd_early": st.booleans(),
        "state_prob_peak": st.floats(0, 1),
        "state_prob_missing": st.booleans(),
        "pred_rebound_prob": st.floats(0, 1),
        "pred_expected_ret_pct": st.floats(-10, 10),
        "pred_expected_dd_pct": st.floats(-10, 1),
    }
)
broken_rows = st.fixed_dictionaries(
    {
        "atr_smooth": st.one_of(st.none(), st.sampled_from([0.0, nan, inf]), st.floats(0, 0.2)),
        "I_vr_and_vs": tags,
        "I_bd_late": tags,
        "I_bd_early": tags,
        "state_prob_peak": st.one_of(st.none(), st.just(nan), st.floats(0, 1)),
        "state_prob_missing": tags,
        "pred_rebound_prob": st.one_of(st.none(), st.just(nan), st.floats(0, 1)),
        "pred_expected_ret_pct": st.one_of(anything, st.floats(-3, 3)),
        "pred_expected_dd_pct": st.one_of(anything, st.floats(-5, 1)),
    }
)
rows = st.one_of(sound_rows, sound_rows, broken_rows)
configs = st.builds(
    PolicyConfig,
    risk_aversion=st.floats(0, 2),
    k=st.floats(0.1, 5),
    size_max=st.floats(0.1, 2),
    peak_prob_threshold=st.floats(0, 1),
    vol_window=st.just(1),
)


def read_plainly(given_row: dict[str, object], config: PolicyConfig) -> tuple[str, float, bool]:
    """Section 6.2 and section 10, one row at a time: action, size, whether a reason is owed."""

    def known(name: str) -> bool:
        value = given_row[name]
        return isinstance(value, float) and isfinite(value)

    needed = ("pred_rebound_prob", "pred_expected_ret_pct", "pred_expected_dd_pct", "atr_smooth")
    named_tags = ("I_vr_and_vs", "I_bd_late", "I_bd_early", "state_prob_missing")
    if not all(known(name) for name in needed) or any(given_row[name] is None for name in named_tags):
        return "flat", 0.0, True
    p, ret, dd, vol = (float(str(given_row[name])) for name in needed)
    score = p * (ret / 100) - config.risk_aversion * max(0.0, -dd / 100)
    if score > 0:
        score *= (0.8 if given_row["I_vr_and_vs"] else 1.0) * (1.1 if given_row["I_bd_late"] else 1.0)
    size = max(-config.size_max, min(config.size_max, config.k * score / max(vol, config.vol_floor)))
    if score >= config.theta_long:
        return "long", size, False
    if score <= config.theta_short:
        is_peak_known = known("state_prob_peak") and not given_row["state_prob_missing"]
        if given_row["I_bd_early"]:
            return "short", size, False
        if not is_peak_known:
            return "flat", 0.0, True
        if float(str(given_row["state_prob_peak"])) >= config.peak_prob_threshold:
            return "short", size, False
    return "flat", 0.0, False


@settings(deadline=None, max_examples=300)
@given(rows, configs)
def test_every_row_is_decided_as_the_rules_read(values: dict[str, object], config: PolicyConfig) -> None:
    action, size, owes_reason = read_plainly(values, config)
    done = decided(config, **values)
    assert (done["action"], done["reason"] is not None) == (action, owes_reason)
    assert done["position_size"] == pytest.approx(size, rel=1e-12, abs=1e-15)


@settings(deadline=None, max_examples=300)
@given(rows, configs)
def test_m002_r34_size_is_bounded_and_agrees_with_the_action(values: dict[str, object], config: PolicyConfig) -> None:
    done = decided(config, **values)
    size, action = done["position_size"], done["action"]
    assert isinstance(size, float)
    assert abs(size) <= config.size_max
    assert {"long": size > 0, "short": size < 0, "flat": size == 0}[str(action)]


def test_m002_r34_a_large_score_is_held_to_the_largest_size() -> None:
    config = PolicyConfig(vol_window=1, size_max=0.7)
    assert decided(config, score=0.5)["position_size"] == 0.7
    assert decided(config, score=-0.5, I_bd_early=True)["position_size"] == -0.7
    assert decided(config, score=-0.5)["position_size"] == 0.0


def test_m002_r35_ex_ante_vol_is_the_ten_row_mean_of_each_ticker(rng: np.random.Generator) -> None:
    values = {ticker: rng.uniform(0.005, 0.05, 30) for ticker in "AB"}
    frame = pl.DataFrame(
        [
            row(ticker=ticker, ts=START + timedelta(days=day), atr_smooth=float(values[ticker][day]))
            for ticker in "AB"
            for day in range(30)
        ]
    )
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=1)
    done = apply_policy(shuffled, PolicyConfig()).sort("ticker", "ts")
    for ticker in "AB":
        found = done.filter(ticker=ticker).get_column("ex_ante_vol").to_list()
        assert found[:9] == [None] * 9
        assert found[9:] == pytest.approx([values[ticker][day - 9 : day + 1].mean() for day in range(9, 30)], rel=1e-14)
    early = done.filter(pl.col("ts") < START + timedelta(days=9))
    assert early.get_column("action").unique().to_list() == ["flat"]
    assert early.get_column("reason").unique().to_list() == ["volatility is missing"]


def test_ex_ante_vol_is_the_same_to_the_last_bit_whatever_stood_before(rng: np.random.Generator) -> None:
    vol = rng.uniform(1e-4, 1e3, 60)
    frame = pl.DataFrame([row(ts=START + timedelta(days=day), atr_smooth=float(vol[day])) for day in range(60)])
    whole = apply_policy(frame, PolicyConfig())
    assert_frame_equal(whole.tail(1), apply_policy(frame.tail(10), PolicyConfig()).tail(1), check_exact=True)


@pytest.mark.parametrize("vol", [0.0, None, nan, inf, 1e-300, -0.01])
def test_m002_r36_no_volatility_gives_an_infinite_or_nan_size(vol: float | None) -> None:
    done = decided(atr_smooth=vol)
    assert isinstance(done["position_size"], float)
    assert isfinite(done["position_size"])
    is_known = vol is not None and isfinite(vol)
    assert (done["action"], done["reason"]) == (("long", None) if is_known else ("flat", "volatility is missing"))


def test_m002_r36_volatility_below_its_floor_is_lifted_to_it() -> None:
    config = PolicyConfig(vol_window=1, vol_floor=0.02, size_max=10)
    assert decided(config, score=0.01, atr_smooth=0.0)["position_size"] == pytest.approx(0.5)
    assert decided(config, score=0.01, atr_smooth=0.04)["position_size"] == pytest.approx(0.25)


@pytest.mark.parametrize("scale", [0.125, 3.7, 1e4])
def test_m002_r37_scaling_prices_changes_neither_action_nor_size(scale: float, rng: np.random.Generator) -> None:
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, 300)))
    low, high = close * rng.uniform(0.96, 0.99, 300), close * rng.uniform(1.01, 1.04, 300)
    told = {
        "state_prob_peak": rng.uniform(0, 1, 300),
        "state_prob_missing": False,
        "pred_rebound_prob": rng.uniform(0, 1, 300),
        "pred_expected_ret_pct": rng.normal(0, 2, 300),
        "pred_expected_dd_pct": rng.uniform(-3, 0, 300),
    }

    def run(factor: float) -> pl.DataFrame:
        prices = {"open": close, "high": high, "low": low, "close": close}
        bars = pl.DataFrame(
            {"ticker": "A", "ts": [START + timedelta(days=number) for number in range(300)]}
            | {name: price * factor for name, price in prices.items()}
            | {"volume": 1e3 + 100 * np.sin(np.arange(300.0))}
        )
        seen = build_dataset(bars, "m002").collect().with_columns(**told)
        return apply_policy(seen, PolicyConfig(size_max=5)).select("action", "position_size", "reason")

    assert_frame_equal(run(1.0), run(scale), rel_tol=1e-9)
    assert run(1.0).get_column("position_size").n_unique() > 100
    assert set(run(1.0).get_column("action")) == {"long", "short", "flat"}


@pytest.mark.parametrize("name", ["pred_rebound_prob", "pred_expected_ret_pct", "pred_expected_dd_pct"])
@pytest.mark.parametrize("value", [None, nan, inf])
def test_a_prediction_that_is_no_number_is_flat_with_a_reason(name: str, value: float | None) -> None:
    done = decided(**{name: value})
    assert (done["action"], done["position_size"], done["reason"]) == ("flat", 0.0, "prediction is missing")


def test_a_missing_peak_probability_is_not_taken_for_no_peak() -> None:
    zero_filled = {"score": -0.01, "state_prob_peak": 0.0, "state_prob_missing": True}
    assert decided(**zero_filled)["reason"] == "Peak probability is missing"
    assert decided(**zero_filled, I_bd_early=True)["action"] == "short"
    assert decided(**{**zero_filled, "state_prob_missing": False})["reason"] is None


def test_tags_may_be_numbers() -> None:
    as_numbers = decided(I_vr_and_vs=1, I_bd_late=0, I_bd_early=0, state_prob_missing=0)
    assert as_numbers["policy_score"] == pytest.approx(0.008)


@pytest.mark.parametrize("name", POLICY_INPUTS)
def test_a_missing_column_is_named(name: str) -> None:
    with pytest.raises(SchemaError, match=f"`{name}`"):
        apply_policy(pl.DataFrame([row()]).drop(name), PolicyConfig())


def test_other_columns_pass_through_and_rows_keep_their_order() -> None:
    frame = pl.DataFrame([row(ts=START + timedelta(days=day), note=str(day)) for day in (3, 1, 2)])
    done = apply_policy(frame, ONE_ROW)
    assert done.get_column("note").to_list() == ["3", "1", "2"]
    assert done.columns == [*frame.columns, "policy_score", "ex_ante_vol", "action", "reason", "position_size"]
    assert apply_policy(frame.clear(), ONE_ROW).is_empty()
