"""The backtest over frames: vectorbt's trades fill by fill, portfolios, funding, delistings, and what is refused."""

import json
from datetime import UTC, datetime, timedelta
from math import inf, nan
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pawl.errors import InputError, SchemaError
from pawl.evaluation.backtest import backtest
from pawl.evaluation.costs import Costs
from pawl.policy.machine import TradeRules

START = datetime(2024, 1, 1, tzinfo=UTC)
FREE = Costs(fee_bps=0, slippage_bps=0)
GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "vectorbt_trades.json").read_text(encoding="utf-8"))


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def bars_of(closes: dict[str, list[float]], first_day: int = 0) -> pl.DataFrame:
    """Bars that open at the close before and reach no further than open and close."""
    rows = []
    for ticker, series in closes.items():
        for number, close in enumerate(series):
            opened = series[number - 1] if number else close
            edge = (max(opened, close), min(opened, close))
            rows.append((ticker, day(first_day + number), opened, *edge, close))
    frame = pl.DataFrame(rows, schema=["ticker", "ts", "open", "high", "low", "close"], orient="row")
    return frame.with_columns(available_at=pl.col("ts") + timedelta(days=1))


def decisions_of(sizes: dict[str, list[float]]) -> pl.DataFrame:
    names = {1: "long", -1: "short", 0: "flat"}
    rows = [
        (ticker, day(number), names[int(np.sign(size))], size)
        for ticker, series in sizes.items()
        for number, size in enumerate(series)
    ]
    return pl.DataFrame(rows, schema=["ticker", "ts", "action", "position_size"], orient="row")


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: "-".join(case["rules"]) or "no rules")
def test_trades_are_those_of_vectorbt_fill_by_fill(case: dict[str, dict[str, float]]) -> None:
    n = len(GOLDEN["sides"])
    ts = pl.Series([day(number) for number in range(n)])
    bars = pl.DataFrame({"ticker": ["A"] * n, "ts": ts, **GOLDEN["bars"]})
    decisions = decisions_of({"A": [float(side) for side in GOLDEN["sides"]]})
    costs = Costs(fee_bps=GOLDEN["fee"] * 1e4, slippage_bps=0)
    done = backtest(bars, decisions, costs, TradeRules(**case["rules"])).trades
    theirs = pl.DataFrame(case["trades"])
    assert done.get_column("entry_ts").to_list() == ts.gather(theirs.get_column("entry")).to_list()
    assert done.get_column("exit_ts").to_list() == ts.gather(theirs.get_column("exit")).to_list()
    assert done.get_column("side").to_list() == theirs.get_column("side").to_list()
    for name in ("entry_price", "exit_price"):
        assert done.get_column(name).to_numpy() == pytest.approx(theirs.get_column(name).to_numpy(), rel=1e-12)
    assert done.get_column("pnl_bps").to_numpy() == pytest.approx(theirs.get_column("pnl_bps").to_numpy(), abs=1e-6)
    kinds = set(done.get_column("exit_reason"))
    assert kinds >= set(case["rules"])  # each rule closed at least one of them


def test_a_decision_is_filled_at_the_next_open_and_not_before() -> None:
    bars = bars_of({"A": [100, 110, 120, 130]})
    done = backtest(bars, decisions_of({"A": [0, 1, 0, 0]}), FREE)
    assert done.trades.select("entry_ts", "exit_ts", "entry_price", "exit_price", "n_bars").row(0) == (
        day(2),
        day(3),
        110.0,
        120.0,
        2,
    )
    assert done.equity.get_column("net_return").to_list() == pytest.approx([0, 0, 120 / 110 - 1, 0])


def test_a_decision_on_the_last_bar_trades_nothing() -> None:
    done = backtest(bars_of({"A": [100, 110]}), decisions_of({"A": [0, 1]}), FREE)
    assert done.trades.is_empty()


def test_costs_are_paid_on_every_side() -> None:
    bars = bars_of({"A": [100, 100, 100, 100]})
    done = backtest(bars, decisions_of({"A": [0.5, 0.5, 0, 0]}), Costs(fee_bps=7, slippage_bps=3))
    assert done.trades.get_column("pnl_bps").to_list() == pytest.approx([-20.0])
    assert done.equity.get_column("equity").to_list()[-1] == pytest.approx(1 - 0.5 * 0.002)
    assert done.equity.get_column("turnover").to_list() == pytest.approx([0, 0.5, 0, 0.5 / 0.9995])


def test_the_portfolio_gives_each_ticker_that_trades_at_a_bar_the_same_capital() -> None:
    closes = {"A": [100.0, 110, 121, 121], "B": [50.0, 50, 45]}
    done = backtest(bars_of(closes), decisions_of({"A": [1, 1, 1, 1], "B": [-1, -1, -1]}), FREE)
    # Bar 1: A +10 %, B 0. Bar 2: A +10 %, B short +10 %. Bar 3: A alone.
    assert done.equity.get_column("net_return").to_list() == pytest.approx([0, 0.05, 0.1, 0])
    assert done.equity.get_column("equity").to_list() == pytest.approx([1, 1.05, 1.155, 1.155])
    assert done.returns.filter(ticker="B").get_column("net_return").to_list() == pytest.approx([0, 0, 0.1])


def test_drawdown_is_the_fall_from_the_highest_equity_the_start_included() -> None:
    done = backtest(bars_of({"A": [100, 90, 99, 121, 60.5]}), decisions_of({"A": [1, 1, 1, 1, 1]}), FREE)
    assert done.equity.get_column("drawdown").to_list() == pytest.approx([0, 0.1, 0.01, 0, 0.5])


def test_a_delisted_ticker_is_closed_at_its_last_close_and_the_other_goes_on() -> None:
    bars = bars_of({"A": [10, 12], "B": [10, 10, 10, 20]})
    done = backtest(bars, decisions_of({"A": [1, 1], "B": [0, 0, 1, 1]}), FREE)
    assert done.trades.select("ticker", "exit_ts", "exit_price", "exit_reason").rows() == [
        ("A", day(1), 12.0, "end"),
        ("B", day(3), 20.0, "end"),
    ]


def test_a_bar_without_a_decision_is_flat() -> None:
    bars = bars_of({"A": [100, 110, 120, 130, 140]})
    done = backtest(bars, decisions_of({"A": [1, 1, 1, 1, 1]}).filter(pl.col("ts") != day(2)), FREE)
    assert done.trades.select("entry_ts", "exit_ts", "exit_reason").rows() == [
        (day(1), day(3), "decision"),
        (day(4), day(4), "end"),
    ]


def test_after_a_gap_the_decision_is_filled_at_the_next_open_there_is() -> None:
    gappy = bars_of({"A": [100, 110, 120, 130, 140]}).filter(pl.col("ts") != day(2))
    done = backtest(gappy, decisions_of({"A": [0, 1, 1, 1, 1]}).filter(pl.col("ts") != day(2)), FREE)
    assert done.trades.get_column("entry_ts").to_list() == [day(3)]
    stopped = backtest(gappy, decisions_of({"A": [-1] * 5}).filter(pl.col("ts") != day(2)), FREE, TradeRules(stop=0.15))
    assert stopped.trades.select("exit_ts", "exit_price", "exit_reason").row(0) == (day(3), 120.0, "stop")


def test_funding_settles_in_the_bar_it_falls_into() -> None:
    bars = bars_of({"A": [100, 100, 100, 100]})
    decisions = decisions_of({"A": [1, 0, 0, 0]})  # held from the open of day 1 to the open of day 2
    hour = timedelta(hours=8)
    rates = {
        day(1): 0.5,  # at the very open of day 1: paid by who held before
        day(1) + hour: 0.001,
        day(1) + 2 * hour: 0.002,
        day(2): 0.004,  # at the very open of day 2: still held
        day(2) + hour: 0.5,
    }
    funding = pl.DataFrame({"ticker": "A", "ts": list(rates), "funding_rate_frac": list(rates.values())})
    assert backtest(bars, decisions, FREE, funding=funding).trades.get_column("pnl_bps").item() == pytest.approx(-70)
    before = pl.DataFrame({"ticker": ["A", "B"], "ts": [day(-1), day(1)], "funding_rate_frac": [0.5, 0.5]})
    assert backtest(bars, decisions, FREE, funding=before).trades.get_column("pnl_bps").item() == pytest.approx(0)


def test_funding_after_the_last_bar_is_left_out() -> None:
    bars, decisions = bars_of({"A": [100, 100]}), decisions_of({"A": [1, 1]})

    def pnl_bps(settled: datetime) -> float:
        funding = pl.DataFrame({"ticker": ["A"], "ts": [settled], "funding_rate_frac": [0.001]})
        return float(backtest(bars, decisions, FREE, funding=funding).trades.get_column("pnl_bps").item())

    assert pnl_bps(day(2)) == pytest.approx(-10)  # at its very close
    assert pnl_bps(day(2) + timedelta(seconds=1)) == pytest.approx(0)


def test_rows_may_stand_in_any_order(rng: np.random.Generator) -> None:
    closes = {name: (100 * np.exp(np.cumsum(rng.normal(0, 0.03, 60)))).tolist() for name in "CAB"}
    sizes = {name: rng.choice([-1.0, 0.0, 0.5, 1.0], 60).tolist() for name in "CAB"}
    bars, decisions = bars_of(closes), decisions_of(sizes)
    done = backtest(bars, decisions, Costs(), TradeRules(stop=0.05))
    mixed = backtest(
        bars.sample(fraction=1, shuffle=True, seed=2),
        decisions.sample(fraction=1, shuffle=True, seed=3),
        Costs(),
        TradeRules(stop=0.05),
    )
    for mine, other in zip(
        (done.trades, done.equity, done.returns), (mixed.trades, mixed.equity, mixed.returns), strict=True
    ):
        assert_frame_equal(mine, other, check_exact=True)
    assert done.returns.get_column("ticker").unique(maintain_order=True).to_list() == ["A", "B", "C"]


def test_an_empty_frame_gives_empty_frames() -> None:
    done = backtest(bars_of({"A": [1.0]}).clear(), decisions_of({"A": [1.0]}).clear(), Costs())
    assert (done.trades.height, done.equity.height, done.returns.height) == (0, 0, 0)
    assert done.trades.schema["exit_reason"] == pl.String


@pytest.mark.parametrize(
    ("action", "size"),
    [("long", -1.0), ("short", 1.0), ("flat", 0.1), ("long", 0.0), ("hold", 0.0), ("long", nan), ("long", inf)],
)
def test_a_size_that_contradicts_its_action_is_refused(action: str, size: float) -> None:
    bars = bars_of({"A": [1.0]})
    wrong = pl.DataFrame({"ticker": ["A"], "ts": [day(0)], "action": [action], "position_size": [size]})
    with pytest.raises(InputError, match=f"A at .* says {action} with a size of"):
        backtest(bars, wrong, Costs())


@pytest.mark.parametrize("price", [None, nan, inf, 0.0, -1.0])
@pytest.mark.parametrize("column", ["open", "high", "low", "close"])
def test_a_price_that_is_no_price_is_refused(column: str, price: float | None) -> None:
    bars = bars_of({"A": [1.0, 2.0]}).with_columns(
        pl.when(pl.col("ts") == day(1)).then(pl.lit(price, pl.Float64)).otherwise(column).alias(column)
    )
    with pytest.raises(InputError, match=f"a {column} is null, not finite or not positive"):
        backtest(bars, decisions_of({"A": [1.0, 1.0]}), Costs())


def test_rows_that_stand_twice_are_refused() -> None:
    bars, decisions = bars_of({"A": [1.0, 2.0]}), decisions_of({"A": [1.0, 1.0]})
    with pytest.raises(InputError, match="stand twice"):
        backtest(pl.concat([bars, bars]), decisions, Costs())
    with pytest.raises(InputError, match="stand twice"):
        backtest(bars, pl.concat([decisions, decisions]), Costs())


def test_a_decision_on_no_bar_is_refused() -> None:
    with pytest.raises(InputError, match="1 decisions stand on no bar, the first is A"):
        backtest(bars_of({"A": [1.0]}), decisions_of({"A": [0.0, 1.0]}), Costs())


def test_a_missing_column_is_named() -> None:
    with pytest.raises(SchemaError, match="`low`"):
        backtest(bars_of({"A": [1.0]}).drop("low"), decisions_of({"A": [1.0]}), Costs())
