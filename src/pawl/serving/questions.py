"""What is asked of a model: the bars that had closed, or ready features, and the bar that it is about."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from pawl.errors import InputError, TooLittleDataError
from pawl.learners.learner import LearnerSpec
from pawl.ledger.chain import canonical_text
from pawl.ledger.column_types import JsonText, require_storable, utc_text
from pawl.market.bars import SILVER_SCHEMA, UTC_TIME, Timeframe, visible_before
from pawl.market.calendars import Calendar, infer_calendar, stamp
from pawl.market.fingerprint import hash_bars
from pawl.serving.prediction_bodies import GivenBar, PredictBody
from pawl.serving.problems import BarsOutOfOrderError

__all__ = ["Question", "of_bars", "of_features"]

Floats = npt.NDArray[np.float64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """bar_timestamp: open time of the last bar that had closed. prompt: what the ledger keeps, as
    its canonical text, and its hash.

    bars: SILVER_SCHEMA, of one ticker; None where rows stand ready, (n_rows, n_features).
    """

    ticker: str
    timeframe: Timeframe
    bar_timestamp: datetime
    bars: pl.DataFrame | None
    rows: Floats | None
    prompt: JsonText
    prompt_hash: str


def of_features(body: PredictBody, spec: LearnerSpec, now: datetime, calendar: Calendar | None) -> Question:
    """A question with ready features. InputError for a bar that is none, has not closed, or is of another length."""
    assert body.bar_timestamp is not None
    timeframe, opened = _timeframe(body, spec), body.bar_timestamp.astimezone(UTC)
    closed = _closed_at(opened, calendar, timeframe)
    if closed is None or closed >= now:
        what = "does not exist" if closed is None else "had not closed"
        fix = "name the open time of a bar that has closed"
        raise InputError(f"the bar of {utc_text(opened)} {what}", where="body.bar_timestamp", fix=fix)
    rows = np.array(body.rows, np.float64)
    prompt = canonical_text(
        {
            "ticker": body.name,
            "timeframe": str(timeframe),
            "bar_timestamp": utc_text(opened),
            # As text, a row a line: it is hashed, sealed and stored, and numbers would be written out anew each time.
            "features": "\n".join(" ".join(map(repr, row)) for row in rows.tolist()),
        }
    )
    return Question(
        ticker=body.name,
        timeframe=timeframe,
        bar_timestamp=opened,
        bars=None,
        rows=rows,
        prompt=prompt,
        prompt_hash=_hash(prompt),
    )


def of_bars(body: PredictBody, spec: LearnerSpec, now: datetime, calendar: Calendar | None) -> Question:
    """A question with bars, of which those that had not closed are left out. calendar: None infers it from them.

    BarsOutOfOrderError where they do not rise in time; InputError for a bar outside its calendar; TooLittleDataError
    where fewer closed ones are left than the features look back on.
    """
    assert body.market_data is not None
    timeframe = _timeframe(body, spec)
    bars = _frame(body.name, body.market_data)
    stamped = stamp(bars, calendar or infer_calendar(bars["ts"], timeframe), timeframe)
    outside = stamped.filter(pl.col("session").is_null())
    if outside.height:
        raise InputError(
            f"{body.name} has no bar at {utc_text(outside['ts'][0])}", where="body.market_data", fix="leave it out"
        )
    closed = visible_before(stamped.lazy(), now).select(SILVER_SCHEMA.names()).collect()
    n_needed = spec.feature_set.lookback
    if closed.height < n_needed:
        raise TooLittleDataError(
            f"{closed.height} bars that have closed",
            where="body.market_data",
            fix=f"send {n_needed}: so far do the features of {spec.name} look back",
        )
    prompt = canonical_text(
        {
            "ticker": body.name,
            "timeframe": str(timeframe),
            "bar_timestamp": utc_text(closed["ts"][-1]),
            "first_bar": utc_text(closed["ts"][0]),
            "n_bars": closed.height,
            "bars_sha256": hash_bars(closed),
        }
    )
    return Question(
        ticker=body.name,
        timeframe=timeframe,
        bar_timestamp=closed["ts"][-1],
        bars=closed,
        rows=None,
        prompt=prompt,
        prompt_hash=_hash(prompt),
    )


def _frame(ticker: str, given: Sequence[GivenBar]) -> pl.DataFrame:
    columns = {name: [getattr(bar, name) for bar in given] for name in ("open", "high", "low", "close", "volume")}
    frame = pl.DataFrame(columns, schema={name: pl.Float64 for name in columns}).with_columns(
        ticker=pl.lit(ticker), ts=pl.Series([bar.ts.astimezone(UTC) for bar in given], dtype=UTC_TIME)
    )
    steps = frame["ts"].diff().dt.total_microseconds().to_numpy()[1:]
    late = np.flatnonzero(~(steps > 0))
    if late.size:
        raise BarsOutOfOrderError(
            f"bar {late[0] + 1} does not open after the one before it",
            where=f"body.market_data.{late[0] + 1}.ts",
            fix="send the bars oldest first, each once",
        )
    return frame


def _closed_at(opened: datetime, calendar: Calendar | None, timeframe: Timeframe) -> datetime | None:
    """When a bar closed; None where no bar opens then."""
    if calendar is not None and calendar.is_exchange:
        closed: datetime | None = stamp(pl.DataFrame({"ts": [opened]}), calendar, timeframe)["available_at"][0]
        return closed
    return None if (opened - EPOCH) % timeframe.length else opened + timeframe.length


def _timeframe(body: PredictBody, spec: LearnerSpec) -> Timeframe:
    if body.timeframe not in (None, str(spec.timeframe)):
        raise InputError(
            f"`{spec.name}` reads bars of {spec.timeframe}, not of {body.timeframe}",
            where="body.timeframe",
            fix=f"send bars of {spec.timeframe}, or name another learner",
        )
    return spec.timeframe


def _hash(prompt: JsonText) -> str:
    require_storable(prompt)
    return hashlib.sha256(prompt.encode()).hexdigest()
