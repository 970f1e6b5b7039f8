"""A crowd and the service it acts through, brought together: server, clock and tokens of its own."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from uuid import UUID

import sqlalchemy as sa

from pawl.datasets.versions import DatasetRequest
from pawl.errors import RefusalError
from pawl.jobs.crowd import Crowd, Lived, live
from pawl.jobs.crowd_client import open_door
from pawl.jobs.crowd_layers import (
    DATASETS,
    Findings,
    Layers,
    Stopwatch,
    Wanted,
    build_layers,
    find_weaknesses,
)
from pawl.jobs.crowd_market import CROWD_START, CrowdMarket, crowd_market
from pawl.jobs.crowd_user import new_user
from pawl.jobs.learning_status import PassportRules
from pawl.jobs.market_watch import HOURLY
from pawl.lake.silver import SilverStore
from pawl.ledger.database import Ledger
from pawl.ledger.event_tables import event_outbox
from pawl.ledger.group_writer import GroupWriter
from pawl.ledger.tokens import create_token, revoke_token
from pawl.market.bars import BAR_SCHEMA
from pawl.market.calendars import ALWAYS
from pawl.serving.app import create_app
from pawl.serving.fresh_secret import new_token
from pawl.serving.server import background_server
from pawl.serving.server_settings import ServerSettings
from pawl.serving.service import Clocks, service_of

__all__ = ["CrowdOrder", "CrowdReport", "VirtualClock", "simulate_users"]

N_CONNECTIONS = 16


@dataclass(slots=True)
class VirtualClock:
    """The time of day, as somebody sets it."""

    at: datetime = CROWD_START

    def now(self) -> datetime:
        """What it says."""
        return self.at

    def set(self, at: datetime) -> None:
        """Move it."""
        self.at = at


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdOrder:
    """How long, how many, and from which seed everything follows. code: the version of this code."""

    days: int
    users: int
    seed: int
    server: ServerSettings
    rules: PassportRules
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdReport:
    """What a crowd did and what became of it. seconds: by stage."""

    order: CrowdOrder
    lived: Lived
    layers: Layers
    findings: tuple[Findings, ...]
    seconds: Mapping[str, float]

    @property
    def requests_per_sec(self) -> float:
        """Requests of the crowd over the time that its days took."""
        return self.lived.n_requests / self.seconds["days"]


def simulate_users(
    ledger: Ledger, home: Path, order: CrowdOrder, progress: Callable[[str, float], None]
) -> CrowdReport:
    """Let a crowd live through a market of its own, by way of the service, and build every layer from what it did.

    RefusalError where the ledger holds decisions of others: a crowd must not be learnt from beside people.
    """
    _require_empty(ledger)
    watch = Stopwatch()
    with watch.stage("market"):
        market = crowd_market(order.days, order.seed)
        SilverStore(home).merge(
            market.hourly.select(BAR_SCHEMA.names()), HOURLY, ALWAYS, source="simulated", now=market.at(market.n_slots)
        )
    with watch.stage("days"):
        lived, end = _let_live(ledger, market, order, partial(progress, "days"))
    requests = [
        DatasetRequest(
            dataset_type=name,
            start=CROWD_START,
            end=CROWD_START + timedelta(days=order.days),
            settings=order.rules.passport,
            seed=order.seed,
            code=order.code,
        )
        for name in DATASETS
    ]
    wanted = Wanted(settings=order.rules.passport, requests=requests)
    layers = build_layers(ledger, home, wanted, end, watch, partial(progress, "layers"))
    with watch.stage("weaknesses"):
        findings = find_weaknesses(ledger, order.seed, order.users, order.rules, end)
    return CrowdReport(order=order, lived=lived, layers=layers, findings=findings, seconds=watch.seconds)


def _require_empty(ledger: Ledger) -> None:
    with ledger.reading() as tx:
        standing = tx.execute(sa.select(event_outbox.c.event_id).limit(1)).first()
    if standing is not None:
        raise RefusalError(
            "the ledger holds decisions already, and a crowd must not stand beside them",
            where="ledger",
            fix="choose an empty workspace: --home DIR",
        )


def _let_live(
    ledger: Ledger, market: CrowdMarket, order: CrowdOrder, progress: Callable[[float], None]
) -> tuple[Lived, datetime]:
    """The days of the crowd: a server of its own, tokens for its users, and a clock that moves with them."""
    clock = VirtualClock()
    users = [new_user(order.seed, number) for number in range(order.users)]
    clocks = Clocks(now=clock.now, monotonic=monotonic)
    with (
        _tokens(ledger, [user.user_id for user in users], clock) as tokens,
        GroupWriter(ledger, clock.now) as writer,
        background_server(create_app(service_of(ledger, writer, market.watch, clocks, order.server))) as url,
    ):
        crowd = Crowd(seed=order.seed, users=users, tokens=tokens, market=market, ledger=ledger, set_clock=clock.set)
        lived = asyncio.run(_live(crowd, url, progress))
    return lived, clock.at


async def _live(crowd: Crowd, url: str, progress: Callable[[float], None]) -> Lived:
    async with open_door(url, N_CONNECTIONS) as door:
        return await live(crowd, door, progress)


@contextmanager
def _tokens(ledger: Ledger, users: list[UUID], clock: VirtualClock) -> Iterator[Mapping[UUID, str]]:
    """A token for every user, revoked at the end: nobody acts as a simulated user later."""
    tokens = {user_id: new_token() for user_id in users}
    with ledger.transaction() as tx:
        made = [create_token(tx, token, user_id, f"crowd {user_id}", clock.now()) for user_id, token in tokens.items()]
    try:
        yield tokens
    finally:
        with ledger.transaction() as tx:
            for token_id in made:
                revoke_token(tx, str(token_id), clock.now())
