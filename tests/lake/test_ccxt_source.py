"""Real ccxt against a local server that speaks Binance's format, and misbehaves."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pawl.errors import InputError, NotFoundError, SourceError
from pawl.lake.backfill import BackfillOrder, Patience, run_backfill
from pawl.lake.ccxt_source import CcxtSource, open_exchange
from pawl.lake.silver import Merge, SilverStore
from pawl.lake.source import BusySourceError
from pawl.market.bars import Timeframe

ccxt = pytest.importorskip("ccxt")

HOURLY = Timeframe.parse("1h")
LISTED = datetime(2024, 1, 1, 5, tzinfo=UTC)
LAST = datetime(2024, 3, 20, 11, tzinfo=UTC)  # 79 days: two pages of 1000 bars
START, NOW = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 3, 20, 11, 30, tzinfo=UTC)

SYMBOL = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quotePrecision": 8,
    "quoteAssetPrecision": 8,
    "orderTypes": ["LIMIT", "MARKET"],
    "isSpotTradingAllowed": True,
    "isMarginTradingAllowed": False,
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.0", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.0", "stepSize": "0.00001"},
    ],
    "permissions": ["SPOT"],
}


def kline(at: int) -> list[object]:
    price = 40_000 + (at // 3_600_000) % 1000
    return [
        at,
        f"{price}.10",
        f"{price + 9}.00",
        f"{price - 9}.00",
        f"{price + 1}.00",
        "12.5",
        at + 3_599_999,
        "1",
        9,
        "1",
        "1",
        "0",
    ]


def exchange_route(
    answer: Any, shuffle: Callable[[list[Any]], list[Any]] = lambda rows: rows
) -> Callable[[str, dict[str, str]], Any]:
    def route(path: str, query: dict[str, str]) -> Any:
        if path.endswith("/exchangeInfo"):
            return answer(json.dumps({"timezone": "UTC", "symbols": [SYMBOL], "rateLimits": []}).encode())
        if path.endswith("/klines"):
            first, last = int(LISTED.timestamp() * 1000), int(LAST.timestamp() * 1000)
            start = max(first, int(query.get("startTime", first)))
            stop = min(last, start + 3_600_000 * (int(query.get("limit", 500)) - 1), int(query.get("endTime", last)))
            rows = [kline(at) for at in range(start, stop + 1, 3_600_000)]
            return answer(json.dumps(shuffle(rows)).encode())
        return answer(b'{"code":-1121,"msg":"Invalid symbol."}', status=400)

    return route


@pytest.fixture
def source(wire: Any, answer: Any) -> CcxtSource:
    wire.route = exchange_route(answer)
    wire.is_faulty = lambda path: path.endswith("klines")
    exchange: Any = open_exchange("binance")
    exchange.enableRateLimit = False
    exchange.timeout = 1500
    exchange.options["fetchMarkets"] = {"types": ["spot"]}
    exchange.options["fetchCurrencies"] = False
    exchange.has["fetchCurrencies"] = False
    exchange.urls["api"] = {name: f"{wire.url}/api/v3" for name in exchange.urls["api"]}
    return CcxtSource(exchange)


def fill(source: CcxtSource, home: Path, ticker: str = "BTCUSDT", start: datetime = START) -> tuple[Merge, list[float]]:
    waits: list[float] = []
    order = BackfillOrder(tickers=(ticker,), timeframe=HOURLY, start=start, end=NOW + timedelta(days=1))
    return run_backfill(
        SilverStore(home), source, order, Patience(sleep=waits.append), NOW, lambda what, done: None
    ), waits


N_CLOSED = (LAST - LISTED) // timedelta(hours=1)  # the last candle is still open at NOW


@pytest.mark.parametrize("ticker", ["BTCUSDT", "BTC/USDT"])
def test_all_pages_come_and_the_open_candle_does_not(
    source: CcxtSource, wire: Any, tmp_path: Path, ticker: str
) -> None:
    merge, _ = fill(source, tmp_path, ticker)
    assert (merge.added, merge.quarantined, merge.tickers) == (N_CLOSED, 0, (ticker,))
    bars = SilverStore(tmp_path).scan(HOURLY).collect()
    assert (bars["ts"][0], bars["ts"][-1]) == (LISTED, LAST - timedelta(hours=1))
    first = 40_000 + int(LISTED.timestamp()) // 3600 % 1000
    assert bars.row(0)[2:7] == (first + 0.1, first + 9.0, first - 9.0, first + 1.0, 12.5)
    assert sum(path.endswith("klines") for path, _ in wire.asked) <= 4


def test_a_second_run_asks_only_for_what_is_missing(source: CcxtSource, wire: Any, tmp_path: Path) -> None:
    fill(source, tmp_path, start=LISTED)
    wire.asked.clear()
    merge, _ = fill(source, tmp_path, start=LISTED)
    assert merge.added == 0
    assert all(
        int(query["startTime"]) >= int(LAST.timestamp()) * 1000 for path, query in wire.asked if "klines" in path
    )


@pytest.mark.parametrize(
    ("fault", "first_wait"),
    [
        ({"status": 500, "body": b"oops"}, 1.0),
        ({"status": 429, "body": b'{"code":-1003,"msg":"Too many requests"}', "headers": {"Retry-After": "7"}}, 7.0),
        ({"status": 418, "body": b'{"code":-1003,"msg":"banned"}', "headers": {"Retry-After": "11"}}, 11.0),
        ({"body": json.dumps([kline(0)] * 50).encode(), "is_cut": True}, 1.0),
        ({"body": b"[]", "delay_sec": 3.0}, 1.0),
    ],
    ids=["500", "429", "418", "cut short", "too slow"],
)
def test_a_fault_that_passes_is_ridden_out(
    source: CcxtSource, wire: Any, answer: Any, tmp_path: Path, fault: dict[str, Any], first_wait: float
) -> None:
    wire.faults = [answer(**fault)]
    merge, waits = fill(source, tmp_path)
    assert merge.added == N_CLOSED
    assert waits == [first_wait]


def test_rows_out_of_order_and_twice_are_stored_once(
    source: CcxtSource, wire: Any, answer: Any, tmp_path: Path
) -> None:
    wire.route = exchange_route(answer, lambda rows: [*reversed(rows), *rows[:20]])
    merge, _ = fill(source, tmp_path)
    assert merge.added == N_CLOSED and merge.quarantined == 0


def test_empty_answers_end_the_run(source: CcxtSource, wire: Any, answer: Any, tmp_path: Path) -> None:
    wire.route = exchange_route(answer, lambda rows: [])
    assert fill(source, tmp_path)[0].added == 0


def test_an_unknown_symbol_is_named(source: CcxtSource) -> None:
    with pytest.raises(NotFoundError, match="binance has no `NOPEUSDT`"):
        source.page("NOPEUSDT", HOURLY, START, NOW)


def test_an_exchange_that_stays_away_is_named(source: CcxtSource, wire: Any, answer: Any, tmp_path: Path) -> None:
    wire.faults = [answer(status=503, body=b"maintenance")] * 6
    with pytest.raises(BusySourceError, match="binance"):
        fill(source, tmp_path)


def test_a_refusal_is_not_asked_again(source: CcxtSource, wire: Any, answer: Any, tmp_path: Path) -> None:
    wire.faults = [answer(status=400, body=b'{"code":-1102,"msg":"Mandatory parameter was not sent"}')] * 6
    with pytest.raises(SourceError, match="Mandatory parameter"):
        fill(source, tmp_path)
    assert len(wire.faults) == 5


def test_an_unknown_exchange_is_refused() -> None:
    with pytest.raises(InputError, match="knows no exchange `binanse`"):
        open_exchange("binanse")
