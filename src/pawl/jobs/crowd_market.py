"""The market of a simulated crowd: quarters of an hour to trade in, hours to read contexts from, and calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from pawl.jobs.market_watch import HOURLY, MarketWatch, RecordedMarket
from pawl.ledger.identity import identity
from pawl.market.bars import Timeframe
from pawl.market.calendars import ALWAYS, stamp
from pawl.market.coarser import coarser_bars
from pawl.market.simulated import MarketSpec, simulate
from pawl.policy.action import Action
from pawl.policy.crowd import SLOTS_PER_DAY, Call, Moment
from pawl.policy.trend_call import CALL_STANDS, trend_calls

__all__ = ["CROWD_START", "CrowdMarket", "call_id", "crowd_market", "standing_calls"]

QUARTER = Timeframe.parse("15m")
TICKERS = ("AURUM", "BASALT", "COBALT", "DOLOMITE", "EMERALD", "FELDSPAR")
WARM_UP_DAYS = 28
FIRST_BAR = datetime(2024, 1, 1, tzinfo=UTC)
CROWD_START = FIRST_BAR + timedelta(days=WARM_UP_DAYS)
"""When the crowd begins. Before it the market has run for four weeks, so that volatilities and their terciles stand."""

# Moves carry on for some hours, far more than in a real market: recommendations that go with them are right in about
# 55 of 100 cases, so that overriding them has a price.
EDGE, TREND = 1.0, 4.5
REACTION = timedelta(minutes=1)
"""Users act a minute after a quarter of an hour has ended: by then its bar is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdMarket:
    """quarters: bars of fifteen minutes by ticker, those of the warm-up too. hourly: silver bars of one hour. calls: as
    `trend_calls` gives them. watch: contexts and prices, as the service sees them.
    """

    n_slots: int
    hourly: pl.DataFrame
    calls: pl.DataFrame
    watch: MarketWatch
    quarters: Mapping[str, Mapping[str, list[float]]]

    def at(self, slot: int) -> datetime:
        """The instant of a slot."""
        return CROWD_START + slot * QUARTER.length + REACTION

    def moments(self, slot: int) -> dict[str, Moment]:
        """What users see in a slot, by ticker, always in one order."""
        at, bar = self.at(slot), WARM_UP_DAYS * SLOTS_PER_DAY + slot - 1
        return {ticker: self._moment(ticker, at, bar) for ticker in TICKERS}

    def _moment(self, ticker: str, at: datetime, bar: int) -> Moment:
        known, prices = self.watch.context(ticker, at), self.quarters[ticker]
        return Moment(
            at=at,
            ticker=ticker,
            price=prices["close"][bar],
            high=prices["high"][bar],
            low=prices["low"][bar],
            open=prices["open"][bar],
            volatility=known.volatility,
            stretch=known.stretch,
        )

    def new_calls(self, slot: int) -> list[dict[str, Any]] | None:
        """The calls that are made in a slot, the first behind a full hour; None in those between."""
        if slot % (CALL_STANDS // QUARTER.length):
            return None
        return self.calls.filter(pl.col("at") == self.at(slot) - REACTION).to_dicts()


def call_id(seed: int, call: Mapping[str, Any]) -> str:
    """The id of the inference that a call is."""
    return str(identity("inference", "crowd", seed, call["ticker"], call["at"].isoformat()))


def standing_calls(seed: int, made: list[dict[str, Any]]) -> list[Call | None]:
    """Calls as users know them, in the order of the tickers; None where there is none."""
    by_ticker = {
        call["ticker"]: Call(
            inference_id=call_id(seed, call),
            direction=Action(call["direction"]),
            sl_bps=call["sl_bps"],
            tp_bps=call["tp_bps"],
            price=call["price"],
            at=call["at"],
        )
        for call in made
    }
    return [by_ticker.get(ticker) for ticker in TICKERS]


def crowd_market(days: int, seed: int) -> CrowdMarket:
    """The market of so many days of a crowd, and four weeks before them."""
    n_bars = (WARM_UP_DAYS + days) * SLOTS_PER_DAY
    spec = MarketSpec(tickers=TICKERS, start=FIRST_BAR, n_bars=n_bars, timeframe=QUARTER, edge=EDGE, trend=TREND)
    market = simulate(spec, np.random.Generator(np.random.PCG64(seed)))
    hourly = stamp(coarser_bars(market.bars, HOURLY), ALWAYS, HOURLY)
    on_the_hour = pl.col("available_at").dt.truncate("1h") == pl.col("available_at")
    recorded = RecordedMarket(
        bars=hourly, funding=market.funding, open_interest=market.open_interest.filter(on_the_hour)
    )
    by_ticker = market.bars.partition_by("ticker", as_dict=True)
    return CrowdMarket(
        n_slots=days * SLOTS_PER_DAY,
        hourly=hourly,
        calls=trend_calls(hourly),
        watch=MarketWatch(recorded),
        quarters={
            str(name): {column: frame[column].to_list() for column in ("open", "high", "low", "close")}
            for (name,), frame in by_ticker.items()
        },
    )
