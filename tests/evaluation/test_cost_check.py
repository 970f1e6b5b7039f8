"""A market that moves less than a round trip costs is named, with how much it moves."""

import polars as pl
import pytest

from pawl.evaluation.cost_check import ranges_below_costs
from pawl.evaluation.costs import Costs


def market(**ranges: list[float]) -> pl.DataFrame:
    """Bars around 100 of these ranges, in per cent."""
    rows = [
        (ticker, 100 + wide / 2, 100 - wide / 2, 100.0) for ticker, of_ticker in ranges.items() for wide in of_ticker
    ]
    return pl.DataFrame(rows, schema=["ticker", "high", "low", "close"], orient="row")


def test_half_of_the_bars_decide_and_both_sides_are_paid() -> None:
    bars = market(QUIET=[0.05, 0.10, 5.0], EVEN=[0.15, 0.15, 0.01], WILD=[0.01, 2.0, 3.0], SHY=[0.02, 0.01, 0.13])
    found = ranges_below_costs(bars, Costs(fee_bps=5.0, slippage_bps=2.0))
    assert found == {"QUIET": pytest.approx(10.0), "SHY": pytest.approx(2.0)}
    assert list(found) == sorted(found)
    assert ranges_below_costs(bars, Costs(fee_bps=0.5, slippage_bps=0.4)) == {}
