"""`pawl` as a process whose clock and exchange a test can turn: what the loop is handed in, and nothing else, differs.

SOAK_EXCHANGE is the address of an exchange that speaks Binance's format; the file SOAK_CLOCK holds by how many seconds
the time of day is off.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pawl.cli import live_world
from pawl.cli.main import main
from pawl.lake.ccxt_source import CcxtSource, open_exchange
from pawl.lake.source import Source

__all__: list[str] = []


def now() -> datetime:
    """The time of day of this process."""
    return datetime.now(UTC) + timedelta(seconds=float(Path(os.environ["SOAK_CLOCK"]).read_text() or 0))


@contextmanager
def exchange(choice: object) -> Iterator[Source]:
    """Whatever source is asked for, that exchange."""
    opened: Any = open_exchange("binance")
    opened.enableRateLimit = False
    opened.timeout = 5_000
    opened.options["fetchMarkets"] = {"types": ["spot"]}
    opened.options["fetchCurrencies"] = False
    opened.has["fetchCurrencies"] = False
    opened.urls["api"] = {name: f"{os.environ['SOAK_EXCHANGE']}/api/v3" for name in opened.urls["api"]}
    yield CcxtSource(opened)


if __name__ == "__main__":
    live_world._now = now
    live_world.open_source = exchange
    main()
