"""Any exchange that ccxt speaks to."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import polars as pl

from pawl.errors import InputError, NotFoundError, SourceError
from pawl.lake.http import retry_after_sec
from pawl.lake.source import BusySourceError, Page, to_bars
from pawl.market.bars import BAR_SCHEMA, UTC_TIME, Timeframe

__all__ = ["CcxtSource", "Exchange", "open_exchange"]

PAGE_BARS = 1000
CANDLE_COLUMNS = ("ts", "open", "high", "low", "close", "volume")


class Exchange(Protocol):
    """What is used of an exchange of ccxt."""

    id: str
    markets_by_id: dict[str, list[dict[str, object]]]
    last_response_headers: Mapping[str, str] | None

    def load_markets(self) -> Mapping[str, object]:
        """The markets by symbol; asked for once."""

    def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> Sequence[Sequence[float]]:
        """Candles as [milliseconds, open, high, low, close, volume]."""


def open_exchange(name: str) -> Exchange:
    """An exchange of ccxt with its own rate limit on. InputError for an unknown name, or where ccxt is missing."""
    try:
        import ccxt
    except ImportError as error:
        raise InputError(
            "ccxt is not installed", where="--source ccxt", fix="pip install 'pawl-trading[exchanges]'"
        ) from error
    if name not in ccxt.exchanges:
        raise InputError(f"ccxt knows no exchange `{name}`", where="exchange", fix="write binance, kraken, okx, ...")
    opened: Exchange = getattr(ccxt, name)({"enableRateLimit": True})
    return opened


class CcxtSource:
    """Candles of one exchange. A ticker is the exchange's own id (`BTCUSDT`) or ccxt's symbol (`BTC/USDT`)."""

    name = "ccxt"

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def page(self, ticker: str, timeframe: Timeframe, start: datetime, end: datetime) -> Page:
        """Up to 1000 candles from start on."""
        import ccxt

        try:
            symbol = self._symbol(ticker)
            since = int(start.timestamp() * 1000)
            rows = self._exchange.fetch_ohlcv(symbol, str(timeframe), since, PAGE_BARS)
        except ccxt.BadSymbol as error:
            raise NotFoundError(
                f"{self._exchange.id} has no `{ticker}`", where="--tickers", fix="check the name, e.g. BTC/USDT"
            ) from error
        except ccxt.OperationFailed as error:
            raise self._busy(error) from error
        except ccxt.BaseError as error:
            raise SourceError(
                f"{self._exchange.id}: {error}", where=ticker, fix="check the ticker and the timeframe"
            ) from error
        if not rows:
            # Some exchanges answer for a window after `since` only, and it may lie before the listing.
            return Page(pl.DataFrame(schema=BAR_SCHEMA), min(end, start + PAGE_BARS * timeframe.length))
        columns: dict[str, list[object]] = {
            column: [row[place] for row in rows] for place, column in enumerate(CANDLE_COLUMNS)
        }
        columns["ts"] = [int(row[0]) * 1000 for row in rows]
        bars = to_bars(ticker, columns)
        inside = pl.col("ts").is_between(pl.lit(start, UTC_TIME), pl.lit(end, UTC_TIME), closed="left")
        last = datetime.fromtimestamp(max(int(row[0]) for row in rows) / 1000, UTC)
        return Page(bars.filter(inside), min(end, last + timeframe.length))

    def _symbol(self, ticker: str) -> str:
        markets = self._exchange.load_markets()
        if ticker in markets:
            return ticker
        named = self._exchange.markets_by_id.get(ticker, [])
        return str(named[0]["symbol"]) if named else ticker

    def _busy(self, error: Exception) -> BusySourceError:
        busy = BusySourceError(f"{self._exchange.id}: {error}", where=self._exchange.id, fix="try again later")
        headers = self._exchange.last_response_headers or {}
        busy.retry_after_sec = retry_after_sec(headers.get("Retry-After"))
        return busy
