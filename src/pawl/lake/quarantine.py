"""Rows that may not be used, kept with the reason and the source they came from; append-only."""

import hashlib
import io
from datetime import datetime
from pathlib import Path

import polars as pl

from pawl.lake.atomic import write_atomically
from pawl.market.bars import BAR_SCHEMA, UTC_TIME, Timeframe

__all__ = ["QUARANTINE_SCHEMA", "Quarantine"]

QUARANTINE_SCHEMA = pl.Schema({**BAR_SCHEMA, "reason": pl.String(), "source": pl.String(), "quarantined_at": UTC_TIME})


class Quarantine:
    """The rejected rows of a store, `quarantine/timeframe=1d/<hash of the rows>.parquet`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def append(self, rows: pl.DataFrame, timeframe: Timeframe, *, source: str, now: datetime) -> None:
        """Keep rows (BAR_SCHEMA and `reason`). The same rows from the same source are kept once."""
        if rows.is_empty():
            return
        named = rows.select(*BAR_SCHEMA, "reason", source=pl.lit(source))
        name = hashlib.sha256(named.write_csv().encode()).hexdigest()[:16]
        path = self._folder(timeframe) / f"{name}.parquet"
        if path.exists():
            return
        buffer = io.BytesIO()
        named.with_columns(quarantined_at=pl.lit(now, UTC_TIME)).write_parquet(buffer)
        write_atomically(path, buffer.getvalue())

    def read(self, timeframe: Timeframe) -> pl.DataFrame:
        """Every row kept for bars of this length: QUARANTINE_SCHEMA, in no particular order."""
        paths = sorted(self._folder(timeframe).glob("*.parquet"))
        if not paths:
            return pl.DataFrame(schema=QUARANTINE_SCHEMA)
        return pl.read_parquet(paths)

    def _folder(self, timeframe: Timeframe) -> Path:
        return self._root / f"timeframe={timeframe}"
