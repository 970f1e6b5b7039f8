"""The interval of a label: from the instant it is asked to the instant it is known.

Every label frame carries two columns beside its values:

- `t0`: the instant of the decision, `available_at` of the bar at which the label is asked.
- `t1`: the instant at which the label is known, `available_at` of the last bar it reads (null while not known).

Splits, purge, embargo and certificates derive from these two columns and from nothing else.
"""

import polars as pl

__all__ = ["interval"]


def interval(horizon_bars: int) -> tuple[pl.Expr, pl.Expr]:
    """`t0` and `t1` of a label that reads the next `horizon_bars` bars of its ticker (0: its own bar only).

    >>> from datetime import UTC, datetime
    >>> closes = [datetime(2024, 1, day, tzinfo=UTC) for day in (2, 3, 4)]
    >>> frame = pl.DataFrame({"ticker": ["A"] * 3, "available_at": closes})
    >>> frame.select(interval(2)).get_column("t1").to_list()[:2]
    [datetime.datetime(2024, 1, 4, 0, 0, tzinfo=zoneinfo.ZoneInfo(key='UTC')), None]
    """
    t0 = pl.col("available_at").alias("t0")
    t1 = pl.col("available_at").shift(-horizon_bars).over("ticker").alias("t1")
    return t0, t1
