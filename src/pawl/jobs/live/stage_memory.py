"""The signals of a stage as the loop has read them already: kept, so that a look reads what has come since."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
import sqlalchemy as sa

from pawl.ids import ModelVersion
from pawl.jobs.live.stage_rows import KEYS, OUTCOME, outcome_rows, stage_rows
from pawl.ledger.signal_tables import trading_signals

__all__ = ["StageMemory"]

OVERLAP = timedelta(hours=2)
"""How late a signal or an outcome may be written without everything being read again: other processes lag a little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What was read of a stage. settled: an instant well before the look, up to which nothing should be written any
    more; counted: signals given, and outcomes told, up to there.
    """

    learner: str
    versions: tuple[ModelVersion, ...]
    since: datetime
    until: datetime
    settled: datetime
    counted: tuple[int, int]
    rows: pl.DataFrame


class StageMemory:
    """Gives the very rows that `stage_rows` gives, in the same order. It holds nothing that does not follow from the
    ledger and the instant: a process that begins reads everything once, and so does a look that finds that something
    was written late, at an instant that was taken for settled. Threads may share one.
    """

    def __init__(self) -> None:
        self._read: _Read | None = None
        self._lock = threading.Lock()

    def rows(
        self, tx: sa.Connection, learner: str, versions: Sequence[ModelVersion], since: datetime, until: datetime
    ) -> pl.DataFrame:
        """As `stage_rows`."""
        with self._lock:
            known, stage = self._read, (learner, tuple(versions), since)
            is_older = known is not None and (known.learner, known.versions, known.since) == stage
            if known is not None and is_older and known.until <= until and _still_holds(tx, known):
                rows = _read_on(tx, known, until)
            else:
                rows = stage_rows(tx, learner, versions, since, until)
            settled = max(since, until - OVERLAP)
            self._read = _Read(
                learner=learner,
                versions=tuple(versions),
                since=since,
                until=until,
                settled=settled,
                counted=_counted(tx, learner, since, settled),
                rows=rows,
            )
            return rows


def _still_holds(tx: sa.Connection, known: _Read) -> bool:
    return known.counted == _counted(tx, known.learner, known.since, known.settled)


def _read_on(tx: sa.Connection, known: _Read, until: datetime) -> pl.DataFrame:
    """What was settled, with the outcomes that came since, and all that was said since, in the order of time."""
    settled = known.rows.filter(pl.col("created_at") <= known.settled)
    told = settled.join(outcome_rows(tx, known.settled), on=KEYS, how="left", suffix="_told", maintain_order="left")
    settled = told.with_columns(pl.coalesce(f"{name}_told", name).alias(name) for name in OUTCOME)
    newer = stage_rows(tx, known.learner, known.versions, known.settled, until)
    return pl.concat([settled.select(newer.columns), newer])


def _counted(tx: sa.Connection, learner: str, since: datetime, until: datetime) -> tuple[int, int]:
    """Whosever they are: so indexes alone can tell."""
    c = trading_signals.c
    given = sa.select(sa.func.count()).where(c.learner == learner, c.created_at > since, c.created_at <= until)
    told = sa.select(sa.func.count()).where(c.virtual_at > since, c.virtual_at <= until)
    return int(tx.execute(given).scalar_one()), int(tx.execute(told).scalar_one())
