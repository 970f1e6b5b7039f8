"""The sources by name."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from pawl.errors import InputError
from pawl.lake.binance_archive import BinanceArchive
from pawl.lake.ccxt_source import CcxtSource, open_exchange
from pawl.lake.simulated_source import SimulatedSource
from pawl.lake.source import Source
from pawl.lake.yfinance_source import YfinanceSource
from pawl.market.calendars import ALWAYS, Calendar

__all__ = ["SOURCES", "SourceChoice", "open_source"]

TIMEOUT_SEC = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChoice:
    """Which source, and what one of them needs. exchange: ccxt's. seed, calendar: the simulated market's."""

    name: str
    exchange: str
    seed: int
    calendar: Calendar | None


SOURCES: dict[str, Callable[[SourceChoice, httpx.Client], Source]] = {
    "ccxt": lambda choice, client: CcxtSource(open_exchange(choice.exchange)),
    "binance": lambda choice, client: BinanceArchive(client),
    "yfinance": lambda choice, client: YfinanceSource(),
    "simulated": lambda choice, client: SimulatedSource(choice.seed, choice.calendar or ALWAYS),
}


@contextmanager
def open_source(choice: SourceChoice) -> Iterator[Source]:
    """The source of that name; its connections are closed at the end. InputError for an unknown name."""
    if choice.name not in SOURCES:
        known = ", ".join(SOURCES)
        raise InputError(f"no source `{choice.name}`", where="--source", fix=f"the sources are {known}")
    with httpx.Client(timeout=TIMEOUT_SEC, follow_redirects=True) as client:
        yield SOURCES[choice.name](choice, client)
