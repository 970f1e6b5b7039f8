"""Yahoo's charts, through yfinance: shares, indices, currencies."""

from datetime import datetime, timedelta
from typing import Any, Protocol

import polars as pl

from pawl.errors import InputError
from pawl.lake.source import BusySourceError, Page
from pawl.market.bars import BAR_SCHEMA, UTC_TIME, Timeframe

__all__ = ["YfinanceSource"]

DAY = timedelta(days=1)
# What Yahoo gives in one answer; daily bars come whole.
PAGE_LENGTHS = {"1m": 7 * DAY, "2m": 55 * DAY, "5m": 55 * DAY, "15m": 55 * DAY, "30m": 55 * DAY, "1h": 700 * DAY}
PRICES = ("Open", "High", "Low", "Close", "Volume")
WHOLE = timedelta(days=365 * 100)


class _Frame(Protocol):
    """What is used of a pandas frame."""

    empty: bool
    index: Any

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a pandas series
        """A column."""


class YfinanceSource:
    """Prices adjusted for splits, not for dividends. A daily bar carries its session's date at 00:00 UTC.

    session: a session of curl_cffi; None lets yfinance open its own.
    """

    name = "yfinance"

    def __init__(self, session: object | None = None) -> None:
        try:
            import yfinance
        except ImportError as error:
            raise InputError(
                "yfinance is not installed", where="--source yfinance", fix="pip install 'pawl-trading[exchanges]'"
            ) from error
        yfinance.config.debug.hide_exceptions = False
        self._session = session

    def page(self, ticker: str, timeframe: Timeframe, start: datetime, end: datetime) -> Page:
        """All daily bars, or as many shorter ones as Yahoo gives at once. InputError for a length Yahoo lacks."""
        import yfinance
        from yfinance.data import YfData
        from yfinance.exceptions import YFPricesMissingError

        is_daily = timeframe.text == "1d"
        if not is_daily and timeframe.text not in PAGE_LENGTHS:
            raise InputError(f"Yahoo has no bars of {timeframe}", where="--timeframe", fix="use 1m, 5m, 15m, 1h or 1d")
        stop = min(end, start + PAGE_LENGTHS.get(timeframe.text, WHOLE))
        YfData.cache_get.cache_clear()  # it keeps failed answers too, and an attempt would get the last one's failure
        try:
            frame = yfinance.Ticker(ticker, session=self._session).history(
                interval=timeframe.text,
                start=start.date() if is_daily else start,
                end=(stop - timedelta(microseconds=1)).date() + DAY if is_daily else stop,
                auto_adjust=False,
                actions=False,
            )
        except YFPricesMissingError:
            return Page(pl.DataFrame(schema=BAR_SCHEMA), stop)
        except Exception as error:
            raise BusySourceError(
                f"Yahoo gave no whole answer: {type(error).__name__}: {error}",
                where=ticker,
                fix="check the ticker (AAPL, EURUSD=X, BTC-USD), or try again later",
            ) from error
        inside = pl.col("ts").is_between(pl.lit(start, UTC_TIME), pl.lit(stop, UTC_TIME), closed="left")
        return Page(_bars(ticker, frame, is_daily=is_daily).filter(inside), stop)


def _bars(ticker: str, frame: _Frame, *, is_daily: bool) -> pl.DataFrame:
    """Bars from yfinance's pandas frame; days without any price, which Yahoo lists too, are left out."""
    if frame.empty:
        return pl.DataFrame(schema=BAR_SCHEMA)
    # The date of the session in its own zone: a bar of Tokyo opens on the day before in UTC.
    zone_free = frame.index.tz_localize(None) if is_daily else frame.index.tz_convert("UTC").tz_localize(None)
    ts = pl.Series("ts", zone_free.to_numpy().astype("datetime64[us]")).dt.replace_time_zone("UTC")
    prices = {name.lower(): frame[name].to_numpy(dtype=float) for name in PRICES}
    bars = pl.DataFrame({"ticker": [ticker] * len(ts), "ts": ts.dt.truncate("1d") if is_daily else ts, **prices})
    return bars.cast(BAR_SCHEMA).filter(~pl.col("close").is_nan())
