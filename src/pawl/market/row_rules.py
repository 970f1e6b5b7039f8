"""What one bar must satisfy by itself to enter the silver store; one that does not goes to quarantine with a reason."""

from dataclasses import dataclass

import polars as pl

from pawl.market.bars import BAR_COLUMNS, BAR_SCHEMA

__all__ = ["ROW_FAULTS", "SortedBars", "sort_out"]

ROW_FAULTS = {
    "bad_ticker": "the ticker is null, empty or longer than 64 characters",
    "null_value": "a price, the volume or `ts` is null, NaN or infinite",
    "non_positive_price": "a price is zero or negative",
    "negative_volume": "the volume is negative",
    "ohlc_violation": "the low lies above, or the high below, another price of the bar",
    "conflicting_duplicate": "another row of the same import has this ticker and `ts` with other values",
    "off_calendar": "the ticker's calendar has no bar at this `ts`",
    "second_bar_in_session": "an earlier `ts` already fills this session of the calendar",
    "unfinished": "the bar had not closed yet",
}
"""Every reason a row can be quarantined for, the first that holds, with its meaning."""


@dataclass(frozen=True, slots=True)
class SortedBars:
    """Bars sorted out: the good ones, and the others with the reason they may not be used.

    good: BAR_SCHEMA, one row a (ticker, ts). bad: BAR_SCHEMA and `reason` (a key of ROW_FAULTS).
    n_repeated: identical copies that were dropped.
    """

    good: pl.DataFrame
    bad: pl.DataFrame
    n_repeated: int


def sort_out(bars: pl.DataFrame) -> SortedBars:
    """Split bars by the rules of a single row. Of two good rows with one (ticker, ts) and other values, both are bad.

    bars: BAR_SCHEMA, any order. good comes out sorted by (ticker, ts); good + bad + n_repeated = the rows handed in.

    >>> from datetime import datetime, UTC
    >>> row = {"ticker": "A", "ts": datetime(2024, 1, 1, tzinfo=UTC), "open": 5, "high": 9, "low": 4, "volume": 0}
    >>> bars = pl.DataFrame([{**row, "close": close} for close in (6.0, 7.0, -1.0)], schema=BAR_SCHEMA)
    >>> sort_out(bars).bad["reason"].to_list()
    ['non_positive_price', 'conflicting_duplicate', 'conflicting_duplicate']
    """
    from pawl.market.bar_rules import BarRules

    good, failure = BarRules.filter(bars.select(BAR_COLUMNS))
    details = failure.details()
    rules = [column for column in details.columns if column not in BAR_SCHEMA]
    bad = details.select(*BAR_COLUMNS, reason=_first_fault(rules))
    distinct = good.unique(maintain_order=True)
    n_repeated = good.height - distinct.height
    is_conflicting = pl.struct("ticker", "ts").is_duplicated()
    conflicting = distinct.filter(is_conflicting).with_columns(reason=pl.lit("conflicting_duplicate"))
    return SortedBars(
        good=distinct.filter(~is_conflicting).sort("ticker", "ts"),
        bad=pl.concat([bad, conflicting]),
        n_repeated=n_repeated,
    )


def _first_fault(rules: list[str]) -> pl.Expr:
    ranked = sorted(rules, key=lambda rule: list(ROW_FAULTS).index(_reason_of(rule)))
    is_broken = {rule: pl.col(rule).cast(pl.String) == "invalid" for rule in ranked}
    return pl.coalesce(*(pl.when(is_broken[rule]).then(pl.lit(_reason_of(rule))) for rule in ranked))


def _reason_of(rule: str) -> str:
    """dataframely calls a column's rules `column|rule`, and those of the frame by their own name."""
    column, _, kind = rule.partition("|")
    if not kind:
        return rule
    if column == "ticker":
        return "bad_ticker"
    if kind in ("nullability", "nan", "inf"):
        return "null_value"
    return "negative_volume" if column == "volume" else "non_positive_price"
