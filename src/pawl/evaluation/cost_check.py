"""Whether trading costs leave anything of what a market moves."""

import polars as pl

from pawl.evaluation.costs import Costs
from pawl.market.basis_points import BPS

__all__ = ["ranges_below_costs"]


def ranges_below_costs(bars: pl.DataFrame, costs: Costs) -> dict[str, float]:
    """Ticker → median range of its bars, bps of the close, where a round trip costs more than that.

    bars: `ticker`, `high`, `low` and `close`. There a position has to run for many bars before it earns anything.

    >>> bars = pl.DataFrame({"ticker": ["EURUSD"], "high": [1.1004], "low": [1.1], "close": [1.1]})
    >>> {ticker: round(bps, 2) for ticker, bps in ranges_below_costs(bars, Costs()).items()}
    {'EURUSD': 3.64}
    >>> ranges_below_costs(bars, Costs(fee_bps=0.2, slippage_bps=0.3))
    {}
    """
    range_bps = ((pl.col("high") - pl.col("low")) / pl.col("close")).median() * BPS
    found = bars.group_by("ticker").agg(range_bps.alias("bps")).filter(pl.col("bps") < costs.round_trip_bps)
    return dict(found.sort("ticker").iter_rows())
