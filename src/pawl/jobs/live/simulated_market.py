"""The market that `pawl up` lives in unasked: which tickers, on which calendar, and how long a history."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pawl.learners.learner import LearnerSpec
from pawl.market.calendars import ALWAYS, FX, Calendar

__all__ = ["MarketChoice", "market_of"]

ORIGIN = datetime(2018, 1, 1, tzinfo=UTC)
"""The first bar of every simulated history; a Monday."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketChoice:
    """tickers: by default. yahoo: what Yahoo calls them. history: what lies before a run, and the first version is
    trained on.

    >>> MARKETS["reversal"].start.isoformat()
    '2018-05-07T00:00:00+00:00'
    """

    tickers: tuple[str, ...]
    yahoo: tuple[str, ...]
    calendar: Calendar
    history: timedelta

    @property
    def start(self) -> datetime:
        """Where a new run begins: when the history is full."""
        return ORIGIN + self.history

    def tickers_at(self, source: str) -> tuple[str, ...]:
        """The tickers by the names of a source.

        >>> MARKETS["reversal"].tickers_at("yfinance")
        ('EURUSD=X', 'USDJPY=X')
        """
        return self.yahoo if source == "yfinance" else self.tickers


MARKETS: Mapping[str, MarketChoice] = {
    "reversal": MarketChoice(
        tickers=("EURUSD", "USDJPY"), yahoo=("EURUSD=X", "USDJPY=X"), calendar=FX, history=timedelta(weeks=18)
    ),
    "m002": MarketChoice(
        tickers=("BTCUSDT", "ETHUSDT", "SOLUSDT"),
        yahoo=("BTC-USD", "ETH-USD", "SOL-USD"),
        calendar=ALWAYS,
        history=timedelta(weeks=130),
    ),
}
"""Of learners whose market is a particular one: currencies close over weekends."""

BARS_OF_HISTORY = 3
"""Of another learner: this many times the bars it needs at least."""


def market_of(spec: LearnerSpec) -> MarketChoice:
    """The market of a learner; one that is not named gets two tickers that never close."""
    if spec.name in MARKETS:
        return MARKETS[spec.name]
    weeks = -(-BARS_OF_HISTORY * spec.min_bars * spec.timeframe.length // timedelta(weeks=1))
    return MarketChoice(
        tickers=("BTCUSDT", "ETHUSDT"), yahoo=("BTC-USD", "ETH-USD"), calendar=ALWAYS, history=timedelta(weeks=weeks)
    )
