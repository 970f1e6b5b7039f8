"""The stand-in model: it reads what is known, answers in the contract of plans, and goes with the trend."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pawl.policy.plan import parse_plan, plan_payload
from pawl.policy.trend_call import CLEAR, plan_of, trend_calls

START = datetime(2024, 1, 1, tzinfo=UTC)


def bars(closes: list[float], ticker: str = "A") -> pl.DataFrame:
    ts = pl.Series([START + timedelta(hours=n) for n in range(len(closes))], dtype=pl.Datetime("us", "UTC"))
    frame = pl.DataFrame({"ticker": [ticker] * len(closes), "ts": ts, "close": closes})
    return frame.with_columns(available_at=pl.col("ts") + timedelta(hours=1))


def walk(seed: int, n: int = 120, drift: float = 0.0) -> list[float]:
    return [float(x) for x in 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(drift, 0.01, n)))]


@given(st.integers(0, 20), st.integers(30, 119))
def test_no_call_changes_when_the_future_is_cut(seed: int, cut: int) -> None:
    both = pl.concat([bars(walk(seed)), bars(walk(seed + 1), "B")])
    known = pl.col("available_at") <= START + timedelta(hours=cut)
    until = pl.col("at") <= START + timedelta(hours=cut)
    assert_frame_equal(trend_calls(both).filter(until), trend_calls(both.filter(known)))


def test_every_call_is_a_plan_by_the_contract() -> None:
    calls = trend_calls(bars(walk(1))).to_dicts()
    assert len(calls) > 20
    for call in calls:
        plan = plan_of(call)
        assert parse_plan(json.dumps(plan_payload(plan))) == plan
        assert 0.5 <= plan.confidence <= 0.7


def test_it_goes_with_the_trend_and_says_nothing_without_one() -> None:
    risen, fallen = (set(trend_calls(bars(walk(2, drift=drift)))["direction"]) for drift in (0.02, -0.02))
    assert (risen, fallen) == ({"long"}, {"short"})
    calls = trend_calls(bars(walk(3)))
    assert 0 < calls.height < 119
    assert (calls["trend"].abs() >= CLEAR).all()
    assert trend_calls(bars([100.0] * 60)).is_empty()
