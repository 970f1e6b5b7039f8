"""What the market looked like when a decision was taken, from rows that were known strictly before it.

A context is frozen with its decision. Nothing that became known at that instant or later can change it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sqrt

import polars as pl

from pawl.features import rolling
from pawl.features.segments import with_segments
from pawl.market.bars import UTC_TIME

__all__ = [
    "CONTEXT_FIELDS",
    "DAY",
    "HOUR",
    "SESSION_BANDS",
    "MarketFrames",
    "decision_context",
    "session_band",
    "stacked_edges",
    "tercile_edges",
]

CONTEXT_FIELDS = ("volatility", "funding", "oi_change", "market_regime", "session_band", "stretch", "known_at")

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)
VOLATILITY_BARS = 24
TREND_BARS = 20
SESSION_BANDS = ((8, "asia"), (13, "europe"), (21, "us"), (24, "late"))
"""The UTC hour before which each band ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFrames:
    """What contexts are read from. bars: silver bars of one hour. funding: FUNDING_SCHEMA. open_interest:
    OPEN_INTEREST_SCHEMA. edges: as `tercile_edges` gives them; a decision reads the newest that were fitted before it.
    """

    bars: pl.DataFrame
    funding: pl.DataFrame
    open_interest: pl.DataFrame
    edges: pl.DataFrame


def session_band(instant: pl.Expr) -> pl.Expr:
    """UTC bands: 00–08 asia, 08–13 europe, 13–21 us, 21–24 late.

    >>> at = pl.Series([datetime(2024, 1, 1, hour) for hour in (0, 8, 13, 21)]).dt.replace_time_zone("UTC")
    >>> pl.select(session_band(pl.lit(at))).to_series().to_list()
    ['asia', 'europe', 'us', 'late']
    """
    band = pl.lit(None, pl.String())
    for end, name in reversed(SESSION_BANDS):
        band = pl.when(instant.dt.hour() < end).then(pl.lit(name)).otherwise(band)
    return band


def tercile_edges(bars: pl.DataFrame, until: datetime) -> pl.DataFrame:
    """Per ticker the edges `low` and `high` of the terciles of its volatility, from bars known before `until`.

    Columns ticker, fitted_until, low, high; a ticker without a known volatility has no row. Edges of several instants
    may be stacked: each decision finds its own.
    """
    return stacked_edges(bars, [until])


def stacked_edges(bars: pl.DataFrame, instants: Sequence[datetime]) -> pl.DataFrame:
    """The edges of several instants, one `tercile_edges` under the other, sorted by (fitted_until, ticker)."""
    # A volatility does not change when later bars come, so it is computed once for all instants.
    hourly = _hourly(bars).drop_nulls("volatility").select("ticker", "available_at", "volatility")
    fitted = [_edges(hourly, until) for until in sorted(set(instants))]
    return pl.concat(fitted or [_edges(hourly.clear(), datetime.min.replace(tzinfo=UTC))])


def _edges(hourly: pl.DataFrame, until: datetime) -> pl.DataFrame:
    return (
        hourly.filter(pl.col("available_at") < pl.lit(until, UTC_TIME))
        .group_by("ticker")
        .agg(
            pl.lit(until, UTC_TIME).alias("fitted_until"),
            low=pl.col("volatility").quantile(1 / 3, "linear"),
            high=pl.col("volatility").quantile(2 / 3, "linear"),
        )
        .sort("ticker")
    )


def decision_context(decisions: pl.DataFrame, market: MarketFrames) -> pl.DataFrame:
    """The decisions, in their order, with CONTEXT_FIELDS; null where what a field needs was not known.

    decisions: ticker, decided_at. Every row read has available_at < decided_at.
    volatility: standard deviation (n − 1) of the 24 one-hour log returns before, without a gap among them and the last
    one not older than an hour. funding: the last settled rate, fraction. oi_change: OI(t) / OI(t − 24 h) − 1, fraction,
    from values not older than a day. market_regime: sign of the move over 20 bars (up, flat, down) and the tercile of
    the volatility (low, mid, high), as in `up_low`. session_band: of the instant. stretch: log return of the same 24
    bars over volatility · √24, null where nothing moved. known_at: when the newest of what the fields were read from
    became known; the edges of the regime are older than its bar.
    """
    numbered = decisions.with_row_index("_row")
    bars = _hourly(market.bars).select("ticker", "available_at", "volatility", "stretch", "_trend")
    hourly = bars.with_columns(_bar_at="available_at")
    funding = _known(market.funding, "funding_rate_frac", "funding").with_columns(_funding_at="available_at")
    oi = _known(market.open_interest, "oi_usd", "_oi")
    before = pl.col("decided_at") - DAY
    found = (
        numbered.with_columns(_day_before=before)
        .pipe(_as_of, hourly, "decided_at", HOUR)
        .pipe(_as_of, funding, "decided_at", None)
        .pipe(_as_of, oi.with_columns(_oi_at="available_at"), "decided_at", DAY)
        .pipe(_as_of, oi.rename({"_oi": "_oi_before"}), "_day_before", DAY)
        .sort("decided_at")
        .join_asof(
            market.edges.sort("fitted_until"),
            left_on="decided_at",
            right_on="fitted_until",
            by="ticker",
            strategy="backward",
            check_sortedness=False,
        )
    )
    fields = found.with_columns(
        oi_change=pl.when(pl.col("_oi_before") > 0).then(pl.col("_oi") / pl.col("_oi_before") - 1),
        market_regime=_regime(),
        session_band=session_band(pl.col("decided_at")),
    )
    read = [
        pl.when(pl.col(field).is_not_null()).then(pl.col(at))
        for field, at in (("volatility", "_bar_at"), ("funding", "_funding_at"), ("oi_change", "_oi_at"))
    ]
    known = fields.with_columns(known_at=pl.max_horizontal(read))
    return known.sort("_row").select(*decisions.columns, *CONTEXT_FIELDS)


def _hourly(bars: pl.DataFrame) -> pl.DataFrame:
    """Bars in the order of (ticker, ts) with `volatility`, `stretch` and the sign of the move over TREND_BARS."""
    ordered = with_segments(bars)
    log_return = pl.when(pl.col("ts").diff() == HOUR).then(pl.col("close").log().diff())
    spread = rolling.std(pl.col("_log_return"), VOLATILITY_BARS)
    # Two closes and no running sum: a sum would remember what has left the window.
    move = pl.col("close").log().diff(VOLATILITY_BARS).over("ticker")
    stretch = move / (pl.col("volatility") * sqrt(VOLATILITY_BARS))
    return (
        ordered.with_columns(_log_return=log_return.over("ticker"))
        .with_columns(volatility=spread, _trend=pl.col("close").diff(TREND_BARS).over("ticker").sign())
        .with_columns(stretch=pl.when(stretch.is_finite()).then(stretch))
    )


def _known(frame: pl.DataFrame, column: str, name: str) -> pl.DataFrame:
    """The finite values of a column, the newest last."""
    return (
        frame.filter(pl.col(column).is_finite())
        .sort("available_at", "ts")
        .select("ticker", "available_at", pl.col(column).alias(name))
    )


def _as_of(decisions: pl.DataFrame, known: pl.DataFrame, instant: str, oldest: timedelta | None) -> pl.DataFrame:
    """The newest known row strictly before the instant, no older than `oldest`."""
    return (
        decisions.sort(instant)
        .join_asof(
            known.sort("available_at"),
            left_on=instant,
            right_on="available_at",
            by="ticker",
            strategy="backward",
            allow_exact_matches=False,
            tolerance=oldest,
            coalesce=True,
            check_sortedness=False,
        )
        .drop("available_at", strict=False)
    )


def _regime() -> pl.Expr:
    trend, volatility = pl.col("_trend"), pl.col("volatility")
    sign = pl.when(trend > 0).then(pl.lit("up")).when(trend < 0).then(pl.lit("down")).otherwise(pl.lit("flat"))
    tercile = (
        pl.when(volatility <= pl.col("low"))
        .then(pl.lit("low"))
        .when(volatility > pl.col("high"))
        .then(pl.lit("high"))
        .otherwise(pl.lit("mid"))
    )
    is_known = pl.all_horizontal(pl.col("_trend", "volatility", "low", "high").is_not_null())
    return pl.when(is_known).then(sign + "_" + tercile)
