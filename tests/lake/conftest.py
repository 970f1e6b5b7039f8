"""What the tests of the lake share: bars to store, and a local server that answers as told, rightly or wrongly."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import polars as pl
import pytest

from pawl.lake.silver import SilverStore
from pawl.market.bars import BAR_SCHEMA
from pawl.market.simulated import MarketSpec, simulate

Query = dict[str, str]


@dataclass
class Answer:
    """One HTTP answer. cut: the body stops half-way although its length was promised. delay_sec: before it."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    delay_sec: float = 0.0


@dataclass
class Wire:
    """A server on this machine. route answers every request; faults are given first, one a request."""

    url: str
    route: Callable[[str, Query], Answer] = lambda path, query: Answer(status=404)
    faults: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, Query]] = field(default_factory=list)
    is_faulty: Callable[[str], bool] = lambda path: True

    def answer(self, target: str) -> Answer:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append((parts.path, query))
        if self.faults and self.is_faulty(parts.path):
            return self.faults.pop(0)
        return self.route(parts.path, query)


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A server that knows nothing yet."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = board.answer(self.path)
            threading.Event().wait(answer.delay_sec)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            try:
                self.wfile.write(answer.body[: len(answer.body) // 2] if answer.is_cut else answer.body)
            except OSError:
                pass  # the client gave up waiting, as it should
            self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    board = Wire(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield board
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def answer() -> type[Answer]:
    """The class of answers."""
    return Answer


MakeBars = Callable[..., pl.DataFrame]


@pytest.fixture
def make_bars() -> MakeBars:
    """Makes daily bars: `make_bars("A", n=10, start=..., step=..., price=100.0)`."""

    def make(
        ticker: str,
        n: int = 10,
        start: datetime = datetime(2024, 1, 1, tzinfo=UTC),
        step: timedelta = timedelta(days=1),
        price: float = 100.0,
    ) -> pl.DataFrame:
        rows = [
            (ticker, start + step * place, at, at * 1.02, at * 0.99, at * 1.01, 5.0)
            for place, at in enumerate(price + 0.25 * place for place in range(n))
        ]
        return pl.DataFrame(rows, schema=BAR_SCHEMA, orient="row")

    return make


@pytest.fixture
def store(tmp_path: Path) -> SilverStore:
    """A store in a workspace that does not exist yet."""
    return SilverStore(tmp_path / "home")


@pytest.fixture
def four_years() -> pl.DataFrame:
    """Three tickers over four calendar years: twelve partitions."""
    spec = MarketSpec(tickers=("A", "B", "C"), start=datetime(2020, 6, 1, tzinfo=UTC), n_bars=1200)
    return simulate(spec, np.random.default_rng(5)).bars
