"""What the triggers look at, read from the ledger and the silver store as they stood at an instant."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl
import sqlalchemy as sa

from pawl.jobs.live.feature_memory import FeatureMemory
from pawl.jobs.live.watched_world import WatchedWorld
from pawl.ledger.watched_rows import acted_holds, resolved_wins
from pawl.market.bars import UTC_TIME
from pawl.market.calendars import Calendar, open_times, stamp
from pawl.triggers.history import BarCounts, Decisions, Feed, History, Outcomes, Returns, before
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["read_feeds", "trigger_history"]

DAY = timedelta(days=1)
GRACE = timedelta(hours=1)
"""How long a bar may be on its way before it is missing; a shorter bar has its own length."""

RETURN_DAYS = 92.0  # the 90 days before the last one, and the close before their first return
CALENDAR_DAYS = timedelta(days=14)  # holds a day of bars on every calendar, whatever holidays


def trigger_history(
    tx: sa.Connection, world: WatchedWorld, settings: TriggerSettings, at: datetime, memory: FeatureMemory
) -> History:
    """All of it; a part that is not there is None. Nothing after `at` is read."""
    since = before(at, settings.reference_days)
    wins = resolved_wins(tx, world.name, since, at)
    holds = acted_holds(tx, world.name, before(at, settings.hold_days), at)
    bars = _recent_bars(world, at)
    feeds = read_feeds(world, bars, at)
    return History(
        outcomes=Outcomes(at=_instants(wins["at"]), hit=_floats(wins["hit"]), confidence=_floats(wins["confidence"])),
        decisions=Decisions(at=_instants(holds["at"]), is_hold=_floats(holds["is_hold"])),
        returns=_returns(bars, world.tickers),
        features=memory.rows(tx, world, settings, at),
        bars=BarCounts(n_expected=sum(one.n_expected for one in feeds), n_present=sum(one.n_present for one in feeds)),
        feeds=feeds,
    )


def read_feeds(world: WatchedWorld, bars: pl.DataFrame, at: datetime) -> tuple[Feed, ...]:
    """How the bars of each ticker came in: of the newest bars its calendar expects, as many as fill a day of 24 hours,
    so that a weekend counts neither as a hole nor as a day.

    bars: ticker, ts and available_at of the last weeks. A ticker without bars or calendar has no feed.
    """
    timeframe = world.learner.spec.timeframe
    n_day = max(1, DAY // timeframe.length)
    due_by = at - min(timeframe.length, GRACE)
    refused = _refused(world, at)
    days: dict[Calendar, pl.Series] = {}
    feeds = []
    for ticker, calendar in _calendars(world).items():
        present = bars.filter(pl.col("ticker") == ticker)["ts"]
        if present.is_empty():
            continue
        if calendar not in days:
            days[calendar] = _expected(calendar, world, due_by).tail(n_day)
        expected = days[calendar].filter(days[calendar] >= present.min())
        came = expected.is_in(present.implode())
        feeds.append(
            Feed(
                ticker=ticker,
                n_expected=len(expected),
                n_present=int(came.sum()),
                n_owed=len(expected) if not came.any() else int(came.reverse().arg_max() or 0),
                n_refused=refused.get(ticker, 0),
            )
        )
    return tuple(feeds)


def _recent_bars(world: WatchedWorld, at: datetime) -> pl.DataFrame:
    timeframe = world.learner.spec.timeframe
    known = set(world.workspace.silver.tickers(timeframe))
    is_recent = (pl.col("ts") > pl.lit(before(at, RETURN_DAYS), UTC_TIME)) & (
        pl.col("available_at") <= pl.lit(at, UTC_TIME)
    )
    scanned = world.workspace.silver.scan(timeframe, [one for one in world.tickers if one in known])
    return scanned.filter(is_recent).select("ticker", "ts", "available_at", "close").collect()


def _returns(bars: pl.DataFrame, tickers: tuple[str, ...]) -> Returns | None:
    moves = bars.select(
        "ticker", "available_at", move=pl.col("close").log().diff().over("ticker", order_by="ts")
    ).drop_nulls()
    if moves.is_empty():
        return None
    wide = moves.pivot("ticker", index="available_at", values="move").sort("available_at")
    columns = [one for one in tickers if one in wide.columns]
    values = wide.select(pl.col(columns).fill_null(float("nan"))).to_numpy()
    return Returns(at=_instants(wide["available_at"]), values=values)


def _calendars(world: WatchedWorld) -> Mapping[str, Calendar]:
    booked = world.workspace.silver.calendars(world.learner.spec.timeframe)
    named = {one: world.calendar or (booked[one].calendar if one in booked else None) for one in world.tickers}
    return {ticker: calendar for ticker, calendar in named.items() if calendar is not None}


def _expected(calendar: Calendar, world: WatchedWorld, due_by: datetime) -> pl.Series:
    """Open times of the bars that had closed by an instant, of the last weeks."""
    timeframe = world.learner.spec.timeframe
    opens = open_times(calendar, timeframe, due_by - CALENDAR_DAYS - timeframe.length, due_by)
    stamped = stamp(opens.alias("ts").to_frame(), calendar, timeframe)
    return stamped.filter(pl.col("available_at") <= pl.lit(due_by, UTC_TIME))["ts"]


def _refused(world: WatchedWorld, at: datetime) -> dict[str, int]:
    """Rows of the last day in quarantine, by ticker, without those that had just not closed yet."""
    kept = world.workspace.silver.quarantine.read(world.learner.spec.timeframe).filter(
        pl.col("quarantined_at").is_between(pl.lit(at - DAY, UTC_TIME), pl.lit(at, UTC_TIME), closed="right"),
        pl.col("reason") != "unfinished",
    )
    counted = kept.drop_nulls("ticker").group_by("ticker").len()
    return {str(ticker): int(n) for ticker, n in counted.iter_rows()}


def _instants(column: pl.Series) -> npt.NDArray[np.datetime64]:
    found: npt.NDArray[np.datetime64] = column.dt.replace_time_zone(None).cast(pl.Datetime("us")).to_numpy()
    return found


def _floats(column: pl.Series) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = column.to_numpy()
    return found
