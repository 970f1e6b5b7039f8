"""The figures that a gate reads, each against a hand calculation."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from pawl.evaluation.backtest import Costs, backtest
from pawl.gates.policy_gate import GateSettings
from pawl.jobs.evaluation import Scored
from pawl.jobs.judging import Trials, judge, judge_first, measured

START = datetime(2024, 1, 1, tzinfo=UTC)
FREE = Costs(fee_bps=0, slippage_bps=0)


def scored(name: str, sides: list[int], closes: list[float], size: float = 1.0) -> Scored:
    """A model that says `sides` (+1, −1, 0) on the bars of one ticker, each of which opens at the close before."""
    n = len(closes)
    ts = [START + timedelta(days=day) for day in range(n)]
    opens = [closes[0], *closes[:-1]]
    bars = pl.DataFrame(
        {
            "ticker": ["AAA"] * n,
            "ts": ts,
            "open": opens,
            "high": [max(pair) for pair in zip(opens, closes, strict=True)],
            "low": [min(pair) for pair in zip(opens, closes, strict=True)],
            "close": closes,
        }
    )
    words = {1: "long", -1: "short", 0: "flat"}
    decisions = pl.DataFrame(
        {
            "ticker": ["AAA"] * n,
            "ts": ts,
            "action": [words[side] for side in sides],
            "position_size": [side * size for side in sides],
        }
    )
    done = backtest(bars, decisions, FREE)
    judged = decisions.with_columns(probability=pl.lit(0.5), target=pl.lit(1.0))
    metrics = {"max_drawdown": float(done.equity["drawdown"].max()), "ece": 0.5}  # type: ignore[arg-type]
    return Scored(name=name, metrics=metrics, backtest=done, predictions=decisions, decisions=decisions, judged=judged)


def test_a_decision_is_worth_what_the_bar_after_it_brought() -> None:
    figures = measured(scored("model", [1, -1, 0, 1, 0], [100.0, 110.0, 99.0, 99.0, 103.95]))
    # long over +10 %, short over −10 %, long over +5 %: three decisions, all right.
    assert figures["hit_rate"].value == 1.0
    assert figures["hit_rate"].n == 3
    assert figures["pnl_bps"].value == pytest.approx((0.10 + 0.10 + 0.05) / 3 * 1e4)


def test_the_net_of_a_decision_is_of_its_own_notional() -> None:
    half = measured(scored("model", [1, 0, 0], [100.0, 110.0, 110.0], size=0.5))
    assert half["pnl_bps"].value == pytest.approx(0.10 * 1e4)


def test_a_model_that_never_trades_has_nothing_to_show_and_fails() -> None:
    flat = scored("flat", [0] * 60, list(np.linspace(100, 120, 60)))
    assert np.isnan(measured(flat)["hit_rate"].value)
    verdict = judge(flat, flat, Trials(n=1, seed=1), GateSettings())
    assert not verdict.passed


def test_more_than_the_whole_capital_is_a_violation() -> None:
    assert measured(scored("bold", [1, 1, 0], [100.0, 101.0, 102.0], size=2.0))["risk_violation_rate"].value == 2 / 3


def test_a_truly_better_challenger_passes_and_its_twin_does_not() -> None:
    rng = np.random.default_rng(4)
    moves = rng.choice([-0.01, 0.01], 300)
    closes = list(100 * np.cumprod(1 + moves))
    following = [*np.sign(np.append(moves[1:], 0)).astype(int)]
    wise = scored("wise", following, closes)
    coin = scored("coin", [int(side) for side in rng.choice([-1, 1], 300)], closes)
    trials = Trials(n=2, seed=1)
    assert judge(coin, wise, trials, GateSettings()).passed
    assert not judge(wise, coin, trials, GateSettings()).passed
    twin = judge(wise, wise, trials, GateSettings())
    assert [row.metric for row in twin.failures] == ["net_return_gain_low"]


def test_the_first_version_starts_the_series_unless_it_cannot_be_measured() -> None:
    closes = list(np.linspace(100, 120, 60))
    assert judge_first(scored("first", [1] * 60, closes), Trials(n=1, seed=1), GateSettings()).passed
    assert not judge_first(scored("first", [0] * 60, closes), Trials(n=1, seed=1), GateSettings()).passed
