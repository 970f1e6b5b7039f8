"""A service with two users, a clock that stands still, and a client that asks the real application."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx
import polars as pl
import sqlalchemy as sa

from pawl.ledger.database import Ledger
from pawl.ledger.event_payloads import FrozenContext
from pawl.ledger.group_writer import GroupWriter
from pawl.ledger.identity import identity
from pawl.ledger.metadata import METADATA
from pawl.ledger.tokens import create_token
from pawl.market.bars import UTC_TIME
from pawl.serving.app import create_app
from pawl.serving.server_settings import ServerSettings
from pawl.serving.service import Clocks, service_of

__all__ = ["CONTEXT", "CONVERT", "NOW", "OPEN", "TRACK", "Market", "World", "counts"]

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
CONTEXT = FrozenContext(volatility=0.01, funding=0.0001, oi_change=0.02, market_regime="up_low", session_band="europe")

TRACK = {"ticker": "BTCUSDT", "direction": "long", "confidence": 0.7, "sl_bps": 120, "tp_bps": [180], "entry": 100.0}
OPEN = {"ticker": "BTCUSDT", "side": "long", "size": 1000.0, "entry_price": 100.0, "stop_price": 98.8}
CONVERT = {"size": 1000.0, "entry_price": 100.2, "stop_price": 99.0}


class Market:
    """A market whose price is handed in, and whose context is always the same."""

    def __init__(self) -> None:
        self.rows: list[tuple[datetime, float]] = []

    def context(self, ticker: str, at: datetime) -> FrozenContext:
        """The same for everybody."""
        return CONTEXT

    def prices(self, ticker: str, start: datetime, end: datetime) -> pl.DataFrame:
        """Those between the two."""
        frame = pl.DataFrame(self.rows, schema={"ts": UTC_TIME, "price": pl.Float64}, orient="row")
        return frame.filter(pl.col("ts").is_between(start, end))


class World:
    """A service on a ledger. users: `ann` and `bob`, each with a token. clock: seconds, moved by hand."""

    def __init__(self, ledger: Ledger, **settings: Any) -> None:
        self.ledger = ledger
        self.at = NOW
        self.clock_sec = 0.0
        self.market = Market()
        self.writer = GroupWriter(ledger, lambda: self.at)
        clocks = Clocks(now=lambda: self.at, monotonic=lambda: self.clock_sec)
        told = ServerSettings(**{"requests_per_sec": 1e6, "burst": 1_000_000, **settings})
        self.service = service_of(ledger, self.writer, self.market, clocks, told)
        self.app = create_app(self.service)
        self.users = {name: identity("user", name) for name in ("ann", "bob")}
        with ledger.transaction() as tx:
            for name, user_id in self.users.items():
                create_token(tx, f"pawl_{name}", user_id, name, NOW)
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._runner.close()
        self.writer.close()

    def ask(
        self, method: str, path: str, *, user: str | None = "ann", key: str | None = None, **sent: Any
    ) -> httpx.Response:
        """One request, as a user or as nobody. sent: as httpx takes it."""
        headers = dict(sent.pop("headers", {}))
        if user is not None:
            headers.setdefault("Authorization", f"Bearer pawl_{user}")
        if key is not None:
            headers["Idempotency-Key"] = key

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://pawl") as client:
                return await client.request(method, path, headers=headers, **sent)

        return self._runner.run(once())

    def post(self, path: str, body: Any = None, **how: Any) -> httpx.Response:
        """Post a JSON body."""
        return self.ask("POST", path, json=body, **how)

    def text(self, path: str, text: str | bytes, **how: Any) -> httpx.Response:
        """Post a text that is said to be JSON."""
        return self.ask("POST", path, content=text, headers={"Content-Type": "application/json"}, **how)

    def opened(self, user: str = "ann", **changes: Any) -> str:
        """The id of a trade that was just opened."""
        answer = self.post("/api/quick-trades/open", {**OPEN, **changes}, user=user)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["trade_id"])

    def tracked(self, user: str = "ann", **changes: Any) -> str:
        """The id of a signal that was just tracked."""
        answer = self.post("/api/signals/track", {**TRACK, **changes}, user=user)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["signal_id"])

    def later(self, **by: float) -> None:
        """Let time pass."""
        self.at += timedelta(**by)

    def rows(self, table: sa.Table, **where: Any) -> list[Any]:
        """The rows of a table."""
        with self.ledger.reading() as tx:
            wanted = sa.select(table)
            for name, value in where.items():
                wanted = wanted.where(table.c[name] == value)
            return list(tx.execute(wanted).all())

    def user_id(self, name: str) -> UUID:
        """The id of a user."""
        return self.users[name]


def counts(ledger: Ledger) -> dict[str, int]:
    """How many rows each table has."""
    with ledger.reading() as tx:
        return {
            table.name: tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in METADATA.sorted_tables
        }
