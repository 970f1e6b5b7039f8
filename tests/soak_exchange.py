"""An exchange that speaks Binance's format, has the bars of the simulated market, and misbehaves by a seed."""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pawl.lake.simulated_source import ORIGIN, SimulatedSource
from pawl.market.bars import Timeframe

__all__ = ["TICKERS", "SoakExchange", "run_exchange"]

TICKERS = ("BTCUSDT", "ETHUSDT")
QUARTER = Timeframe.parse("15m")
BAR_MS = 900_000
OVERLAP = 4
"""Bars before the newest that the collector asks for again (`live.overlap_bars`): so an old answer can be made."""
SHARES = {"5xx": 0.06, "stale": 0.06, "duplicate": 0.06, "cut": 0.02}


class SoakExchange:
    """Of every request some fail with a 5xx, are cut short, lack what is new, or hold every bar twice, out of order.

    is_faulty: whether it misbehaves now. injected: how often it did what.
    """

    def __init__(self, seed: int, until: datetime) -> None:
        source = SimulatedSource(seed)
        self.bars: dict[str, dict[datetime, tuple[float, ...]]] = {
            ticker: {
                row[0]: row[1:]
                for row in source.page(ticker, QUARTER, ORIGIN, until)
                .bars.select("ts", "open", "high", "low", "close", "volume")
                .iter_rows()
            }
            for ticker in TICKERS
        }
        self.is_faulty, self.injected, self.url = False, Counter[str](), ""
        self._rng, self._lock = random.Random(seed), threading.Lock()
        self._frozen: dict[str, int] = {}

    def answer(self, path: str) -> tuple[int, bytes, bool]:
        """Status, body, and whether the body is cut short."""
        parts = urlsplit(path)
        query = dict(parse_qsl(parts.query))
        if parts.path.endswith("/exchangeInfo"):
            symbols = [_symbol(ticker) for ticker in TICKERS]
            return 200, json.dumps({"timezone": "UTC", "symbols": symbols, "rateLimits": []}).encode(), False
        with self._lock:
            return self._klines(query["symbol"], int(query["startTime"]), int(query["limit"]))

    def _klines(self, ticker: str, start: int, limit: int) -> tuple[int, bytes, bool]:
        if start > self._frozen.get(ticker, start):
            return 200, b"[]", False  # it was asked on behind its old answer
        self._frozen.pop(ticker, None)
        fault = self._fault()
        if fault == "5xx":
            return self._rng.choice((500, 502, 503, 504)), b"oops", False
        last = start + (limit - 1) * BAR_MS
        if fault == "stale":
            last = self._frozen[ticker] = start + OVERLAP * BAR_MS
        rows = [_kline(ts, bar) for ts, bar in self.bars[ticker].items() if start <= _ms(ts) <= last]
        if fault == "duplicate":
            rows = self._rng.sample(rows * 2, 2 * len(rows))
        return 200, json.dumps(rows).encode(), fault == "cut"

    def _fault(self) -> str:
        if not self.is_faulty:
            return ""
        kinds = [*SHARES, ""]
        (drawn,) = self._rng.choices(kinds, [*SHARES.values(), 1 - sum(SHARES.values())])
        self.injected[drawn or "none"] += 1
        return drawn


@contextmanager
def run_exchange(seed: int, until: datetime) -> Iterator[SoakExchange]:
    """A running one. until: the end of what it knows."""
    exchange = SoakExchange(seed, until + timedelta(days=1))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, is_cut = exchange.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body[: len(body) // 2] if is_cut else body)
            except OSError:
                pass  # the client was killed
            self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    exchange.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield exchange
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _ms(ts: datetime) -> int:
    return int(ts.timestamp() * 1000)


def _kline(ts: datetime, bar: tuple[float, ...]) -> list[Any]:
    texts = [repr(value) for value in bar]
    return [_ms(ts), *texts, _ms(ts) + BAR_MS - 1, "1", 9, "1", "1", "0"]


def _symbol(ticker: str) -> dict[str, Any]:
    return {
        "symbol": ticker, "status": "TRADING", "baseAsset": ticker.removesuffix("USDT"), "baseAssetPrecision": 8,
        "quoteAsset": "USDT", "quotePrecision": 8, "quoteAssetPrecision": 8, "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "permissions": ["SPOT"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.0", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.0", "stepSize": "0.00001"},
        ],
    }  # fmt: skip
