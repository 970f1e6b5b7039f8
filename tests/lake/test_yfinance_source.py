"""Real yfinance against a local server that speaks Yahoo's chart format, and misbehaves."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pawl.errors import InputError
from pawl.lake.backfill import BackfillOrder, Patience, run_backfill
from pawl.lake.silver import Merge, SilverStore
from pawl.lake.source import BusySourceError
from pawl.lake.yfinance_source import YfinanceSource
from pawl.market.bars import Timeframe
from pawl.market.calendars import Calendar, open_times

yfinance = pytest.importorskip("yfinance")
curl = pytest.importorskip("curl_cffi.requests")

pytestmark = [
    # yfinance 1.7 calls pandas 3.1 in ways that pandas deprecates.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:yfinance"),
]

DAILY = Timeframe.parse("1d")
START, END = datetime(2023, 6, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)
NOW = datetime(2024, 8, 1, tzinfo=UTC)
SESSIONS = open_times(Calendar("XNYS"), DAILY, START, END).to_list()


def chart(query: dict[str, str]) -> dict[str, Any]:
    """Yahoo's /v8/finance/chart: session opens in seconds, columns apart from their times."""
    begin, end = int(query.get("period1", 0)), int(query.get("period2", 2**33))
    opens = [int((day + timedelta(hours=13.5)).timestamp()) for day in SESSIONS]
    chosen = [(place, at) for place, at in enumerate(opens) if begin <= at < end]
    prices = {
        "open": [100.0 + place for place, _ in chosen],
        "high": [103.0 + place for place, _ in chosen],
        "low": [99.0 + place for place, _ in chosen],
        "close": [101.0 + place for place, _ in chosen],
        "volume": [1000 + place for place, _ in chosen],
    }
    meta = {
        "currency": "USD",
        "symbol": "ACME",
        "exchangeName": "NYQ",
        "instrumentType": "EQUITY",
        "exchangeTimezoneName": "America/New_York",
        "timezone": "EDT",
        "gmtoffset": -14400,
        "firstTradeDate": 0,
        "regularMarketTime": opens[-1],
        "regularMarketPrice": 1.0,
        "priceHint": 2,
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "max"],
        "currentTradingPeriod": {
            kind: {"timezone": "EDT", "start": opens[-1], "end": opens[-1] + 23400, "gmtoffset": -14400}
            for kind in ("pre", "regular", "post")
        },
    }
    result = {
        "meta": meta,
        "timestamp": [at for _, at in chosen],
        "indicators": {"quote": [prices], "adjclose": [{"adjclose": prices["close"]}]},
    }
    return {"chart": {"result": [result], "error": None}}


@pytest.fixture
def source(wire: Any, answer: Any, tmp_path: Path) -> Iterator[YfinanceSource]:
    class Redirected(curl.Session):  # type: ignore[misc, name-defined]
        """A session that asks this machine whatever Yahoo is asked."""

        def request(self, method: str, url: str, *arguments: Any, **options: Any) -> Any:
            options["timeout"] = 1.5
            return super().request(method, wire.url + urlsplit(url).path, *arguments, **options)

    def route(path: str, query: dict[str, str]) -> Any:
        if path.endswith("getcrumb"):
            return answer(b"crumb")
        if path.endswith("/chart/ACME"):
            return answer(json.dumps(chart(query)).encode(), headers={"Content-Type": "application/json"})
        if "/chart/" in path:
            gone = {"chart": {"result": None, "error": {"code": "Not Found", "description": "No data found"}}}
            return answer(json.dumps(gone).encode(), status=404)
        return answer(b"<html></html>")

    wire.route = route
    wire.is_faulty = lambda path: "/chart/" in path
    yfinance.set_tz_cache_location(str(tmp_path / "cache"))
    with Redirected() as session:
        yield YfinanceSource(session)


def fill(source: YfinanceSource, home: Path) -> Merge:
    order = BackfillOrder(tickers=("ACME",), timeframe=DAILY, start=START, end=END)
    return run_backfill(
        SilverStore(home), source, order, Patience(sleep=lambda wait: None), NOW, lambda what, done: None
    )


def test_sessions_come_with_their_dates_and_closes(source: YfinanceSource, tmp_path: Path) -> None:
    merge = fill(source, tmp_path / "home")
    assert (merge.added, merge.quarantined) == (len(SESSIONS), 0)
    assert merge.calendars["ACME"].code == "XNYS"
    bars = SilverStore(tmp_path / "home").scan(DAILY).collect()
    assert bars["ts"].to_list() == SESSIONS
    assert bars.row(0)[2:7] == (100.0, 103.0, 99.0, 101.0, 1000.0)
    assert bars["available_at"][0] == datetime(2023, 6, 1, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500, "body": b"oops"},
        {"status": 429, "body": b"Too Many Requests"},
        {"body": b'{"chart": {"resu' * 99, "is_cut": True},
        {"delay_sec": 3.0},
        {"body": b'{"chart": {"resu'},
    ],
    ids=["500", "429", "cut short", "too slow", "half a JSON"],
)
def test_a_fault_that_passes_is_ridden_out(
    source: YfinanceSource, wire: Any, answer: Any, tmp_path: Path, fault: dict[str, Any]
) -> None:
    wire.faults = [answer(**fault)]
    assert fill(source, tmp_path / "home").added == len(SESSIONS)


def test_yahoo_staying_away_is_one_error(source: YfinanceSource, wire: Any, answer: Any, tmp_path: Path) -> None:
    wire.faults = [answer(status=503, body=b"down")] * 99
    with pytest.raises(BusySourceError, match="Yahoo gave no whole answer"):
        fill(source, tmp_path / "home")


def test_no_sessions_in_the_span_give_no_bars(source: YfinanceSource, wire: Any) -> None:
    page = source.page("ACME", DAILY, datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC))
    assert page.bars.is_empty() and page.next_start == datetime(2020, 2, 1, tzinfo=UTC)


def test_a_length_yahoo_lacks_is_refused(source: YfinanceSource) -> None:
    with pytest.raises(InputError, match="no bars of 4h"):
        source.page("ACME", Timeframe.parse("4h"), START, END)
