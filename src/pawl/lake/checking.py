"""The data checks over a silver store."""

import polars as pl

from pawl.errors import CorruptArtifactError
from pawl.lake.merging import KEY
from pawl.lake.silver import SilverStore
from pawl.market.bars import SILVER_SCHEMA, Timeframe
from pawl.market.calendars import Calendar, stamp
from pawl.market.checks import QualityReport, TradesOn, check_bars, quarantine_findings
from pawl.market.limits import QualityLimits

__all__ = ["check_silver"]


class _On:
    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar


def check_silver(
    store: SilverStore, timeframe: Timeframe, limits: QualityLimits, calendar: Calendar | None = None
) -> QualityReport:
    """Check every ticker with bars of this length; one of which quarantine holds all rows fails.

    calendar: check as if all tickers traded on it, which changes nothing in the store; None takes each ticker's own.
    CorruptArtifactError when a file of the store cannot be read.
    """
    calendars: dict[str, TradesOn] = dict(store.calendars(timeframe).items())
    try:
        bars = store.scan(timeframe).collect()
    except pl.exceptions.PolarsError as error:
        raise CorruptArtifactError(
            f"a file of the silver store cannot be read: {error}", where=str(timeframe), fix="delete it, import again"
        ) from error
    if calendar is not None:
        calendars = {ticker: _On(calendar) for ticker in calendars}
        bars = stamp(bars, calendar, timeframe).select(SILVER_SCHEMA.names()).sort(KEY)
    quarantined = store.quarantined(timeframe)
    report = check_bars(bars, calendars, timeframe, limits, quarantined)
    lost = {ticker: count for ticker, count in quarantined.items() if ticker not in report.rows}
    return QualityReport(
        rows=dict(sorted({**report.rows, **dict.fromkeys(lost, 0)}.items())),
        findings=(*report.findings, *quarantine_findings({}, lost, limits)),
    )
