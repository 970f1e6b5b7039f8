"""What commands read from their command line: instants and lists of names."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from pawl.errors import InputError

__all__ = [
    "FromOption",
    "ReplayOption",
    "TickersOption",
    "ToOption",
    "names",
    "parse_instant",
    "shown_version",
    "stored_version",
]


SHORT_NAMED = "reversal"
"""The learner whose versions may be written without its name."""


def parse_instant(text: str) -> datetime:
    """An instant in UTC, from a date or an ISO 8601 time; without an offset it is UTC already.

    >>> parse_instant("2024-01-01").isoformat(), parse_instant("2024-01-01T02:00+02:00").hour
    ('2024-01-01T00:00:00+00:00', 0)
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"`{text}` is not a date", where="command line", fix="write it like 2024-01-31 or 2024-01-31T16:00"
        ) from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def names(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """The names in a repeatable, comma-separated option, each once; None when it was not given.

    >>> names(["BTCUSDT,ETHUSDT", "BTCUSDT"]), names(None)
    (('BTCUSDT', 'ETHUSDT'), None)
    """
    if not given:
        return None
    return tuple(dict.fromkeys(name.strip() for text in given for name in text.split(",") if name.strip()))


def stored_version(text: str) -> str:
    """A version as it is stored; that of reversal may be given as its users write it.

    >>> stored_version("v3.3"), stored_version("m002-1.0")
    ('reversal-3.3', 'm002-1.0')
    """
    from pawl.ledger.version_number import VersionNumber

    return VersionNumber.parse_short(text, SHORT_NAMED).version


def shown_version(version: str) -> str:
    """A version as people read it: that of reversal in its users' own way.

    >>> shown_version("reversal-3.3-daily-20251021"), shown_version("m002-1.0")
    ('v3.3-daily-20251021', 'm002-1.0')
    """
    from pawl.ledger.version_number import VersionNumber

    number = VersionNumber.parse(version)
    return number.short if number.learner == SHORT_NAMED else version


FromOption = Annotated[
    datetime | None,
    typer.Option("--from", parser=parse_instant, metavar="DATE", help="First bar, by open time, UTC (inclusive)."),
]
ToOption = Annotated[
    datetime | None, typer.Option("--to", parser=parse_instant, metavar="DATE", help="End, UTC (exclusive).")
]
ReplayOption = Annotated[
    str | None, typer.Option("--replay", metavar="NAME", help="Ask a replay (its folder's name), not the workspace.")
]
TickersOption = Annotated[
    list[str] | None, typer.Option("--tickers", metavar="NAMES", help="Only these: comma-separated, or given again.")
]
