"""What the service is made of: handed to every route, so that none of them reaches for a global."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pawl.ledger.database import Ledger
from pawl.ledger.write_commands import WriteCommand, Written
from pawl.serving.inferred_plans import InferredPlans
from pawl.serving.market_view import MarketView
from pawl.serving.rate_limit import RateLimit
from pawl.serving.server_settings import ServerSettings
from pawl.serving.token_book import TokenBook

__all__ = ["Clocks", "Service", "Writer", "service_of"]


class Writer(Protocol):
    """Puts commands into the ledger, many in one transaction where many wait."""

    async def write(self, command: WriteCommand) -> Written:
        """What stands once it is durable; a PawlError where the ledger refuses it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """now: the time of day, UTC. monotonic: seconds that never run backwards."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One server's parts. writer is its caller's to close."""

    ledger: Ledger
    writer: Writer
    market: MarketView
    now: Callable[[], datetime]
    settings: ServerSettings
    tokens: TokenBook
    limit: RateLimit
    inferred: InferredPlans


def service_of(ledger: Ledger, writer: Writer, market: MarketView, clocks: Clocks, settings: ServerSettings) -> Service:
    """The parts of a server, from what it stands on."""
    return Service(
        ledger=ledger,
        writer=writer,
        market=market,
        now=clocks.now,
        settings=settings,
        tokens=TokenBook(ledger, settings.token_cache_sec, clocks.monotonic),
        limit=RateLimit(settings.requests_per_sec, settings.burst, clocks.monotonic),
        inferred=InferredPlans(ledger),
    )
