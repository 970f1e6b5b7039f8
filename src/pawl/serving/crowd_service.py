"""A crowd and the service it acts through, brought together: server, clock and tokens of its own."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from uuid import UUID

from pawl.jobs.crowd import Crowd, Lived, live
from pawl.jobs.crowd_client import open_door
from pawl.jobs.crowd_market import CROWD_START, CrowdMarket, crowd_market
from pawl.jobs.crowd_user import new_user
from pawl.ledger.database import Ledger
from pawl.ledger.group_writer import GroupWriter
from pawl.ledger.tokens import create_token, revoke_token
from pawl.serving.app import create_app
from pawl.serving.background_server import HOST, serve_in_background
from pawl.serving.fresh_secret import new_token
from pawl.serving.server_settings import ServerSettings
from pawl.serving.service import Clocks, service_of

__all__ = ["CrowdOrder", "VirtualClock", "run_crowd"]

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
    """How long, how many, and from which seed everything follows."""

    days: int
    users: int
    seed: int


def run_crowd(
    ledger: Ledger, order: CrowdOrder, settings: ServerSettings, progress: Callable[[float], None]
) -> tuple[CrowdMarket, Lived, datetime]:
    """Let a crowd live through a market of its own; the market, what happened, and when it ended."""
    market, clock = crowd_market(order.days, order.seed), VirtualClock()
    users = [new_user(order.seed, number) for number in range(order.users)]
    clocks = Clocks(now=clock.now, monotonic=monotonic)
    with (
        _tokens(ledger, [user.user_id for user in users], clock) as tokens,
        GroupWriter(ledger, clock.now) as writer,
        serve_in_background(create_app(service_of(ledger, writer, market.watch, clocks, settings))) as port,
    ):
        crowd = Crowd(seed=order.seed, users=users, tokens=tokens, market=market, ledger=ledger, set_clock=clock.set)
        lived = asyncio.run(_live(crowd, port, progress))
    return market, lived, clock.at


async def _live(crowd: Crowd, port: int, progress: Callable[[float], None]) -> Lived:
    async with open_door(HOST, port, N_CONNECTIONS) as door:
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
