"""The first and the last of some instants, as the type they are."""

from datetime import datetime

import polars as pl

from pawl.errors import TooLittleDataError

__all__ = ["earliest", "latest"]


def earliest(instants: pl.Series) -> datetime:
    """The first instant of a series of datetimes; TooLittleDataError when it has none.

    >>> earliest(pl.Series([datetime(2024, 1, 2), None, datetime(2024, 1, 1)])).day
    1
    """
    return _instant(instants, instants.min())


def latest(instants: pl.Series) -> datetime:
    """The last instant of a series of datetimes; TooLittleDataError when it has none."""
    return _instant(instants, instants.max())


def _instant(instants: pl.Series, found: object) -> datetime:
    if not isinstance(found, datetime):
        raise TooLittleDataError(
            f"`{instants.name}` holds no instant", where=f"{len(instants)} rows", fix="hand in at least one"
        )
    return found
