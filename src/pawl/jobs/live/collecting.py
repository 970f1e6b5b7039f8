"""The collector: asks the source for what closed since, merges it into the silver store, and writes down the features
of every bar that is new.

A bar that comes again with other values is kept as it was first seen, and an alarm names it; the silver store, which
trainings read, takes the correction, as its own rule has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
import sqlalchemy as sa

from pawl.errors import InputError, NotFoundError, SourceError
from pawl.features.sets import build_dataset
from pawl.jobs.live.alarm import Alarm, raise_alarms
from pawl.jobs.live.cycle import Told
from pawl.jobs.live.received import keep_page
from pawl.jobs.live.recorded_source import COLLECTION
from pawl.jobs.live.trailing import trailing_bars
from pawl.jobs.live.world import LiveWorld
from pawl.lake.silver import Merge
from pawl.ledger.column_types import utc_text
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.loop_outbox import announce
from pawl.ledger.loop_payloads import NewMarketData
from pawl.ledger.market_data import ClosedBar, SeenBar, append_market_data, newest_bars, seen_bars
from pawl.market.bars import BAR_COLUMNS, BAR_SCHEMA, UTC_TIME

__all__ = ["collect"]

VALUES = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Received:
    """What the source gave. bars: BAR_SCHEMA, closed ones only. failed: ticker → why it gave nothing."""

    bars: pl.DataFrame
    asked: Mapping[str, tuple[datetime, datetime]]
    failed: Mapping[str, str]


def collect(world: LiveWorld, at: datetime) -> Told:
    """Fetch, check, store, and write down the features of what is new, in one transaction with its announcement.

    A source that does not answer, or answers with what is no bar, costs its ticker this turn; the next asks again from
    the same bar on, so nothing is lost.
    """
    timeframe = str(world.learner.spec.timeframe)
    with world.ledger.reading() as tx:
        newest = {one.pair: one.timestamp for one in newest_bars(tx, timeframe, world.tickers, at)}
    received = _fetch(world, newest, at)
    page = keep_page(world.workspace.home, received.bars) if received.bars.height else None
    merge, refused = _merge(world, received.bars, at)
    fresh = _unseen(world, newest, at)
    with world.ledger.transaction() as tx:
        alarms = [*_changed(tx, world, received.bars), *_anomalies(merge, refused, at)]
        n_new = _store(tx, world, fresh, at)
        raise_alarms(tx, world.name, alarms, at)
        payload = {
            "source": world.source.name,
            "page": page,
            "asked": _texts(received.asked),
            "failed": dict(received.failed),
        }
        log_live(tx, [LiveEntry(learner=world.name, at=at, kind="received", name=COLLECTION, payload=payload)])
    warnings = {**received.failed, **refused}
    return {
        "bars": n_new,
        **({"quarantined": merge.quarantined} if merge.quarantined else {}),
        **({"alerts": len(alarms)} if alarms else {}),
        **({"warnings": warnings} if warnings else {}),
    }


def _fetch(world: LiveWorld, newest: Mapping[str, datetime], at: datetime) -> _Received:
    spec, settings = world.learner.spec, world.settings
    pages = [pl.DataFrame(schema=BAR_SCHEMA)]
    asked: dict[str, tuple[datetime, datetime]] = {}
    failed: dict[str, str] = {}
    for ticker in world.tickers:
        begin = _begin(world, ticker, newest.get(ticker), at) - settings.overlap_bars * spec.timeframe.length
        asked[ticker] = (begin, at)
        try:
            while begin < at:
                page = world.source.page(ticker, spec.timeframe, begin, at)
                if page.next_start <= begin:
                    raise SourceError(
                        f"{world.source.name} does not get on from {begin}", where=ticker, fix="try another source"
                    )
                pages.append(page.bars.select(BAR_COLUMNS).cast(BAR_SCHEMA))
                begin = page.next_start
        except (InputError, pl.exceptions.PolarsError) as error:
            failed[ticker] = str(error)
    has_closed = pl.col("ts") + spec.timeframe.length <= pl.lit(at, UTC_TIME)
    return _Received(bars=pl.concat(pages).filter(has_closed), asked=asked, failed=failed)


def _begin(world: LiveWorld, ticker: str, newest: datetime | None, at: datetime) -> datetime:
    """The newest bar of a ticker that is stored, from which on the source is asked."""
    if newest is not None:
        return newest
    timeframe = world.learner.spec.timeframe
    try:
        stored = world.workspace.silver.scan(timeframe, [ticker]).select(pl.col("ts").max()).collect().item()
    except NotFoundError:
        stored = None
    found: datetime = stored or at - timedelta(days=world.settings.catch_up_days)
    return found


def _merge(world: LiveWorld, bars: pl.DataFrame, at: datetime) -> tuple[Merge, dict[str, str]]:
    """What the silver store made of the bars; ticker → why all of its bars were refused."""
    total = Merge(added=0, replaced=0, unchanged=0, quarantined=0, tickers=())
    refused: dict[str, str] = {}
    try:
        return _merged(world, bars, at), refused
    except InputError:  # one ticker that does not fit must not hold up the others
        pass
    for (ticker,), rows in bars.group_by("ticker", maintain_order=True):
        try:
            total = total.plus(_merged(world, rows, at))
        except InputError as error:
            refused[str(ticker)] = str(error)
    return total, refused


def _merged(world: LiveWorld, bars: pl.DataFrame, at: datetime) -> Merge:
    timeframe = world.learner.spec.timeframe
    return world.workspace.silver.merge(bars, timeframe, world.calendar, source=world.source.name, now=at)


def _unseen(world: LiveWorld, newest: Mapping[str, datetime], at: datetime) -> pl.DataFrame:
    """The stored bars that are not written down yet, with their features. Without any yet: the newest few."""
    spec, settings = world.learner.spec, world.settings
    known = set(world.workspace.silver.tickers(spec.timeframe))
    tickers = [ticker for ticker in world.tickers if ticker in known]
    if not tickers:
        return pl.DataFrame()
    reach = settings.overlap_bars * spec.timeframe.length
    since = {ticker: newest[ticker] - reach for ticker in tickers if ticker in newest}
    with world.ledger.reading() as tx:
        seen = seen_bars(tx, str(spec.timeframe), since)
    n_behind = _most_behind(world, tickers, since, at)
    bars = trailing_bars(world, tickers, at, settings.history_bars + n_behind)
    starts = pl.DataFrame(
        {"ticker": list(since), "from": list(since.values())}, schema={"ticker": pl.String(), "from": UTC_TIME}
    )
    stood = pl.DataFrame(
        [(ticker, ts) for ticker, own in seen.items() for ts in own],
        schema={"ticker": pl.String(), "ts": UTC_TIME},
        orient="row",
    )
    from_end = pl.int_range(pl.len()).reverse().over("ticker")
    is_new = (pl.col("ts") >= pl.col("from")) | (pl.col("from").is_null() & (from_end <= settings.overlap_bars))
    wanted = (
        bars.join(starts, on="ticker", how="left", maintain_order="left")
        .filter(is_new)
        .join(stood, on=["ticker", "ts"], how="anti")
        .select("ticker", "ts")
    )
    if wanted.is_empty():
        return wanted
    own = bars.filter(pl.col("ticker").is_in(wanted["ticker"].unique().to_list()))
    built = build_dataset(own, spec.feature_set).collect()
    return built.join(wanted, on=["ticker", "ts"], how="semi", maintain_order="left")


def _most_behind(world: LiveWorld, tickers: list[str], since: Mapping[str, datetime], at: datetime) -> int:
    """Bars that may be missing before `at` on the ticker that is furthest behind."""
    behind = [at - since[ticker] for ticker in tickers if ticker in since]
    return max(behind, default=timedelta(0)) // world.learner.spec.timeframe.length


def _store(tx: sa.Connection, world: LiveWorld, fresh: pl.DataFrame, at: datetime) -> int:
    """Write the bars down and announce them, a pair at a time."""
    spec = world.learner.spec
    names = spec.feature_set.names
    n_new = 0
    for (pair,), rows in fresh.group_by("ticker", maintain_order=True) if fresh.height else ():
        bars = [
            SeenBar(
                pair=str(pair),
                timeframe=str(spec.timeframe),
                timestamp=row["ts"],
                **{name: row[name] for name in VALUES},
                closed_at=row["available_at"],
                indicators={name: _finite(row[name]) for name in names},
                feature_set=spec.feature_set.name,
                source=world.source.name,
            )
            for row in rows.iter_rows(named=True)
        ]
        n_of_pair = append_market_data(tx, bars, at)
        n_new += n_of_pair
        if n_of_pair:
            announce(
                tx,
                NewMarketData(
                    pair=str(pair),
                    timeframe=str(spec.timeframe),
                    bar_timestamp=bars[-1].timestamp,
                    closed_at=bars[-1].closed_at,
                    n_bars=n_of_pair,
                    source=world.source.name,
                ),
                at,
            )
    return n_new


def _changed(tx: sa.Connection, world: LiveWorld, bars: pl.DataFrame) -> list[Alarm]:
    """An alarm for every bar that came again with other values than it was first seen with."""
    since = {str(ticker): first for ticker, first in bars.group_by("ticker").agg(pl.col("ts").min()).iter_rows()}
    seen = seen_bars(tx, str(world.learner.spec.timeframe), since)
    found = []
    for row in bars.iter_rows(named=True):
        first: ClosedBar | None = seen.get(row["ticker"], {}).get(row["ts"])
        if first is not None and any(getattr(first, name) != row[name] for name in VALUES):
            found.append(
                Alarm(
                    kind="data_anomaly",
                    key=f"changed {row['ticker']} {utc_text(row['ts'])}",
                    text=f"{row['ticker']}: the bar of {row['ts']:%Y-%m-%d %H:%M} came again with other values; its "
                    "features stay as they were first seen",
                    values={
                        f"{name} {when}": value
                        for name in VALUES
                        for when, value in (("first", getattr(first, name)), ("now", row[name]))
                    },
                )
            )
    return found


def _anomalies(merge: Merge, refused: Mapping[str, str], at: datetime) -> list[Alarm]:
    """An alarm for what the silver store would not take. The trigger `data_anomaly` tells of it once it is too much."""
    reasons = {reason: n for reason, n in merge.reasons.items() if reason != "unfinished"}
    found = []
    if reasons:
        named = ", ".join(f"{n} {reason}" for reason, n in reasons.items())
        text = f"rows went to quarantine: {named}"
        key = f"quarantine {utc_text(at)}"
        found.append(Alarm(kind="data_anomaly", key=key, text=text, values=reasons, is_watched=True))
    for ticker, why in refused.items():
        key = f"refused {ticker} {utc_text(at)}"
        found.append(Alarm(kind="data_anomaly", key=key, text=f"{ticker}: {why}", is_watched=True))
    return found


def _finite(value: float | None) -> float | None:
    return None if value is None or value != value or value in (float("inf"), float("-inf")) else float(value)


def _texts(asked: Mapping[str, tuple[datetime, datetime]]) -> dict[str, list[str]]:
    return {ticker: [utc_text(instant) for instant in span] for ticker, span in asked.items()}
