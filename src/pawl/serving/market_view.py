"""What the service knows of the market: the context a decision was taken in, and the prices while a trade was held."""

from datetime import datetime
from typing import Protocol

import polars as pl

from pawl.ledger.event_payloads import FrozenContext
from pawl.market.bars import UTC_TIME

__all__ = ["MarketView", "NoMarket"]


class MarketView(Protocol):
    """A view of the market that answers in any thread, and may take its time."""

    def context(self, ticker: str, at: datetime) -> FrozenContext:
        """The market as it was known strictly before an instant; None where it was not."""
        ...

    def prices(self, ticker: str, start: datetime, end: datetime) -> pl.DataFrame:
        """`ts` and `price` from start to end, both included; no row where none is known."""
        ...


class NoMarket:
    """Knows nothing of the market.

    >>> at = datetime.fromisoformat("2024-01-01T09:00:00+00:00")
    >>> NoMarket().context("BTCUSDT", at) == FrozenContext(), NoMarket().prices("BTCUSDT", at, at).height
    (True, 0)
    """

    def context(self, ticker: str, at: datetime) -> FrozenContext:
        """An empty context."""
        return FrozenContext()

    def prices(self, ticker: str, start: datetime, end: datetime) -> pl.DataFrame:
        """No prices."""
        return pl.DataFrame(schema={"ts": UTC_TIME, "price": pl.Float64})
