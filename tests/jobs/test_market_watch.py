"""The watch of the market says of every instant what `decision_context` says of it, and says it fast."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from effort import lines_run
from pawl.features.decision_context import CONTEXT_FIELDS, MarketFrames, decision_context, stacked_edges
from pawl.jobs.market_watch import HOURLY, MarketWatch, RecordedMarket, SilverMarket
from pawl.lake.silver import SilverStore
from pawl.ledger.event_payloads import FrozenContext
from pawl.market.bars import BAR_SCHEMA
from pawl.market.calendars import ALWAYS, stamp
from pawl.market.simulated import MarketSpec, SimulatedMarket, simulate

START = datetime(2024, 1, 3, tzinfo=UTC)
N_BARS = 24 * 30
MICROSECOND = timedelta(microseconds=1)


def simulated(n_bars: int = N_BARS) -> SimulatedMarket:
    spec = MarketSpec(tickers=("AAA", "BBB"), start=START, n_bars=n_bars, timeframe=HOURLY)
    return simulate(spec, np.random.default_rng(5))


def recorded(market: SimulatedMarket) -> RecordedMarket:
    # Holes of hours and of days, after which values are too old to count; open interest comes at odd times.
    def hole(first: float, last: float) -> pl.Expr:
        return pl.col("ts").is_between(START + timedelta(days=first), START + timedelta(days=last))

    bars = stamp(market.bars.filter(~hole(12, 13.125)), ALWAYS, HOURLY)
    interest = market.open_interest.filter(~hole(16, 17.25) & ~hole(20, 23))
    shift = 15 * (1 + pl.col("ts").dt.day() % 3)
    later = interest.with_columns(pl.col("available_at") + pl.duration(minutes=shift))
    return RecordedMarket(bars=bars, funding=market.funding, open_interest=later)


MARKET = recorded(simulated())
WATCH = MarketWatch(MARKET)
MONDAYS = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(weeks=week) for week in range(6)]


def said(decisions: pl.DataFrame, market: RecordedMarket = MARKET) -> list[dict[str, object]]:
    edges = stacked_edges(market.bars, [week for week in MONDAYS if week <= market.bars["available_at"].max()])
    frames = MarketFrames(bars=market.bars, funding=market.funding, open_interest=market.open_interest, edges=edges)
    return decision_context(decisions, frames).select(CONTEXT_FIELDS).to_dicts()


def asked(instants: list[datetime], ticker: str) -> pl.DataFrame:
    at = pl.Series(instants, dtype=pl.Datetime("us", "UTC"))
    return pl.DataFrame({"ticker": [ticker] * len(instants), "decided_at": at})


@pytest.mark.parametrize("ticker", ["AAA", "BBB", "CCC"])
def test_every_context_is_that_of_decision_context_row_by_row(ticker: str) -> None:
    """Two days before the first bar to four days after the last, at, before and after every quarter of an hour."""
    quarters = [START + timedelta(minutes=15 * number) for number in range(-192, N_BARS * 4 + 384)]
    instants = [each + nudge * MICROSECOND for each in quarters for nudge in (-1, 0, 1)]
    found = [WATCH.context(ticker, at) for at in instants]
    assert found == [FrozenContext.model_validate(row) for row in said(asked(instants, ticker))]
    if ticker != "CCC":
        assert all(len({getattr(each, name) for each in found}) > 3 for name in CONTEXT_FIELDS)


@given(st.integers(-(10**9), N_BARS * 3_600 * 10**6 + 10**11), st.sampled_from(["AAA", "BBB"]))
def test_any_instant_is_answered_as_decision_context_does(microseconds: int, ticker: str) -> None:
    at = START + timedelta(microseconds=microseconds)
    assert WATCH.context(ticker, at) == FrozenContext.model_validate(said(asked([at], ticker))[0])


@pytest.mark.parametrize("days", [3.3, 13.1, 21.0, 26.77])
def test_pass_r7_a_market_cut_off_at_the_instant_says_the_same(days: float) -> None:
    at = START + timedelta(days=days)
    is_known = pl.col("available_at") < at
    cut = RecordedMarket(
        bars=MARKET.bars.filter(is_known),
        funding=MARKET.funding.filter(is_known),
        open_interest=MARKET.open_interest.filter(is_known),
    )
    for ticker in ("AAA", "BBB"):
        found = MarketWatch(cut).context(ticker, at)
        assert found == WATCH.context(ticker, at)
        assert found.known_at is not None
        assert found.known_at < at


def test_prices_are_the_closes_known_in_the_span_and_none_beyond_it() -> None:
    start, end = START + timedelta(hours=30, minutes=10), START + timedelta(hours=35)
    found = WATCH.prices("AAA", start, end)
    assert found["ts"].to_list() == [START + timedelta(hours=hour) for hour in range(31, 36)]
    opened = [START + timedelta(hours=hour) for hour in range(30, 35)]
    closes = MARKET.bars.filter((pl.col("ticker") == "AAA") & pl.col("ts").is_in(opened))["close"]
    assert found["price"].to_list() == closes.to_list()
    assert WATCH.prices("AAA", end, start).is_empty()
    assert WATCH.prices("CCC", start, end).is_empty()


def test_a_call_is_little_work_however_long_the_history_and_touches_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    long = MarketWatch(recorded(simulated(4 * N_BARS)))
    monkeypatch.setattr("pawl.jobs.market_watch.pl", None)
    monkeypatch.setattr("pawl.jobs.market_watch.decision_context", None)
    at = START + timedelta(days=9, minutes=7)
    n_lines = [lines_run(lambda watch=watch: watch.context("AAA", at)) for watch in (WATCH, long)]
    assert n_lines[0] == n_lines[1] < 100


def test_bars_that_come_are_seen_and_only_when_the_newest_is_old(tmp_path: Path) -> None:
    silver, market, ticks = SilverStore(tmp_path), simulated(80), [0.0]
    bars = market.bars.select(BAR_SCHEMA.names())

    def fill(hours: int) -> None:
        known = bars.filter(pl.col("ts") < START + timedelta(hours=hours))
        silver.merge(known, HOURLY, ALWAYS, source="test", now=START + timedelta(days=90))

    assert MarketWatch(SilverMarket(silver)).context("AAA", START) == FrozenContext(session_band="asia")
    fill(60)
    watch = MarketWatch(SilverMarket(silver), ticks=lambda: ticks[0])
    assert watch.context("AAA", START + timedelta(hours=59, minutes=30)).volatility is not None
    fill(80)
    late = START + timedelta(hours=70, minutes=30)
    assert watch.context("AAA", late).volatility is None  # asked less than a minute after it was read
    ticks[0] = 61.0
    assert watch.context("AAA", START + timedelta(hours=59, minutes=30)).volatility is not None
    assert watch.refresh()
    assert not watch.refresh()
    assert watch.context("AAA", late).volatility is not None


def test_a_stale_watch_looks_by_itself(tmp_path: Path) -> None:
    silver, ticks = SilverStore(tmp_path), [0.0]
    bars = simulated(80).bars
    silver.merge(bars.filter(pl.col("ts") < START + timedelta(hours=60)), HOURLY, ALWAYS, source="test",
                 now=START + timedelta(days=90))  # fmt: skip
    watch = MarketWatch(SilverMarket(silver), ticks=lambda: ticks[0])
    silver.merge(bars, HOURLY, ALWAYS, source="test", now=START + timedelta(days=90))
    ticks[0] = 61.0
    assert watch.context("AAA", START + timedelta(hours=70, minutes=30)).volatility is not None
