"""The distribution of trades and the last of them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pawl.reports.report_data import ReportData, Trades
from pawl.reports.sections.trades import trades


def closed(nets: Iterable[float]) -> Trades:
    """Trades of one ticker, one a day, with these results in bps."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    columns = ("ticker", "side", "entry_ts", "exit_ts", "entry_price", "exit_price", "net_bps", "exit_reason")
    rows = [
        ("BTCUSDT", "long", start + timedelta(days=i), start + timedelta(days=i + 1), 100.0, 101.0, float(net), "stop")
        for i, net in enumerate(nets)
    ]
    return Trades(pl.DataFrame(rows, schema=columns, orient="row"))


def test_the_results_are_summed_up(report_data: ReportData) -> None:
    section = trades(replace(report_data, trades=closed([-50.0, 10.0, 20.0, 100.0])))
    assert section.lead == (
        "4 trades: 75.0 % won, the mean earned +20.0 bps and the median +15.0 bps after costs; "
        "best +100.0 bps, worst −50.0 bps."
    )


def test_the_last_fifty_are_listed_newest_first(report_data: ReportData) -> None:
    body = trades(replace(report_data, trades=closed(range(1, 61)))).body
    listed = body[body.index("<h3>") :]
    assert "The last 50 trades" in listed
    assert listed.count("BTCUSDT") == 50
    assert listed.index("+60.0 bps") < listed.index("+59.0 bps") < listed.index("+11.0 bps")
    assert "+10.0 bps" not in listed


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nets=st.lists(st.floats(-9_000, 1e6), min_size=1, max_size=80))
def test_every_trade_falls_into_one_bin_on_its_own_side_of_zero(report_data: ReportData, nets: list[float]) -> None:
    lost, won = trades(replace(report_data, trades=closed(nets))).charts[0].traces
    assert sum(lost["y"]) + sum(won["y"]) == len(nets)
    assert len(lost["y"]) + len(won["y"]) <= 102
    # A trade of exactly 0 falls into the first bin above zero; it paid its costs and no more.
    assert sum(lost["y"]) == sum(net < 0 for net in nets)


@pytest.mark.parametrize("nothing", [[], [float("nan")]])
def test_no_trade_is_said_so(report_data: ReportData, nothing: list[float]) -> None:
    section = trades(replace(report_data, trades=closed(nothing)))
    assert section.lead == "The model closed no trade on these rows."
