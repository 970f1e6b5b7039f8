"""What a loop received, as a source: played again it gives every collection the page that it got, or its failure."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from pawl.errors import NotFoundError, SourceError
from pawl.jobs.live.received import kept_page
from pawl.lake.source import Page
from pawl.ledger.live_log import live_entries
from pawl.market.bars import BAR_SCHEMA, UTC_TIME, Timeframe

__all__ = ["COLLECTION", "HISTORY", "RecordedSource"]

COLLECTION = "collection"
"""What was received at a collection."""
HISTORY = "history"
"""What was received before the first instant of all."""


class RecordedSource:
    """The pages of one learner's loop, by the instant at which each was asked for. home: where they were kept.

    name: that of the source they came from, so that what is written of them is the same.
    """

    def __init__(self, tx: sa.Connection, home: Path, learner: str) -> None:
        received = live_entries(tx, learner, "received", (COLLECTION, HISTORY))
        if not received:
            raise NotFoundError(f"`{learner}` received nothing here", where=str(home), fix="record a run: pawl up")
        self._home = home
        self._at: Mapping[datetime, Mapping[str, Any]] = {
            one.at: one.payload for one in received if one.name == COLLECTION
        }
        self._history = {one.at: one.payload for one in received if one.name == HISTORY}
        self.name = str(received[0].payload["source"])

    def page(self, ticker: str, timeframe: Timeframe, start: datetime, end: datetime) -> Page:
        """What the loop got when it asked for bars up to `end`. NotFoundError for an instant at which it did not."""
        del timeframe
        payload = self._at.get(end)
        if payload is not None and ticker in payload["asked"]:
            if ticker in payload["failed"]:
                raise SourceError(payload["failed"][ticker], where=ticker, fix="as it was received")
            return Page(self._of(payload, ticker), end)
        history = self._history.get(end)
        if history is None:
            raise NotFoundError(
                f"nothing was received of {ticker} at {end}",
                where=str(self._home),
                fix="play the run that was recorded",
            )
        span = pl.col("ts").is_between(pl.lit(start, UTC_TIME), pl.lit(end, UTC_TIME), closed="left")
        return Page(self._of(history, ticker).filter(span), end)

    def verify(self) -> None:
        """Read every page that is on record; CorruptArtifactError for one that is gone, or is not what was received."""
        for payload in (*self._history.values(), *self._at.values()):
            if payload["page"] is not None:
                kept_page(self._home, payload["page"])

    def _of(self, payload: Mapping[str, Any], ticker: str) -> pl.DataFrame:
        if payload["page"] is None:
            return pl.DataFrame(schema=BAR_SCHEMA)
        return kept_page(self._home, payload["page"]).filter(pl.col("ticker") == ticker)
