"""Weaknesses of one user: how often each pattern occurs, what it cost, whether it fades, and whether it is one at all.

A pattern is shown only when its rate lies above what a disciplined user would show: the larger of a stated base rate
and of the rate at which the same user does the same thing where it is no weakness (after a win, with a winner).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import polars as pl

from pawl.evaluation.behaviour_patterns import EXPOSURE_SCHEMA, PATTERNS, Pattern, PatternLimits
from pawl.evaluation.rates import difference_interval, evidence_above, evidence_below, wilson_interval

__all__ = [
    "Behaviour",
    "Change",
    "Occurrence",
    "PatternVerdict",
    "PnlGap",
    "Progress",
    "WeekRate",
    "measure_behaviour",
    "week_start",
]

NORMAL_95 = 1.959963984540054
MOST_OCCASIONS = 100
# Nothing is more often than always: against a base rate of 1 there is no evidence.
LARGEST_BASE = 0.999


class PatternVerdict(StrEnum):
    """shown: more often than a disciplined user would. kept: less often. unclear: neither. too_few: not judged."""

    SHOWN = "shown"
    KEPT = "kept"
    UNCLEAR = "unclear"
    TOO_FEW = "too_few"


class Progress(StrEnum):
    """Of the newest weeks against those before them. steady: no difference that chance would not give."""

    BETTER = "better"
    WORSE = "worse"
    STEADY = "steady"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekRate:
    """One week from Monday, UTC. rate: occurrences an exposure, fraction; None where nothing could occur."""

    week: datetime
    n_exposures: int
    n_occurrences: int
    rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Rate of the newest weeks less that of the weeks before, fraction, with its interval; None where one is empty."""

    progress: Progress
    n_recent: int
    n_before: int
    difference: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlGap:
    """Mean result where it occurred less mean result where it did not, bps; below 0 it cost. None for fewer than two of
    either. low, high: 95 % by the normal distribution."""

    n_occurrences: int
    n_others: int
    mean_bps: float | None = None
    low_bps: float | None = None
    high_bps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One occasion, and the trajectories that show it."""

    at: datetime
    trajectory_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One pattern of one user. base_rate: what its rate was held against. log_evidence: natural logarithm of the
    e-value that it lies above. rate_low, rate_high: 95 %. occurrences, others: the newest hundred of each, newest
    first; others are the occasions on which it did not occur.
    """

    pattern: str
    verdict: PatternVerdict
    n_exposures: int
    n_occurrences: int
    rate: float | None
    rate_low: float
    rate_high: float
    base_rate: float
    log_evidence: float
    pnl_gap: PnlGap
    weeks: tuple[WeekRate, ...]
    change: Change
    occurrences: tuple[Occurrence, ...]
    others: tuple[Occurrence, ...]


def week_start(when: datetime, weeks_before: int = 0) -> datetime:
    """The Monday of a week, UTC midnight, or that of a week so many before.

    >>> from datetime import UTC
    >>> week_start(datetime(2024, 1, 31, 12, tzinfo=UTC), 1)
    datetime.datetime(2024, 1, 22, 0, 0, tzinfo=datetime.timezone.utc)
    """
    midnight = when.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday(), weeks=weeks_before)


def measure_behaviour(
    rows: pl.DataFrame, limits: PatternLimits, since: datetime, now: datetime
) -> tuple[Behaviour, ...]:
    """Every pattern, in the order of PATTERNS. rows: BEHAVIOUR_SCHEMA, of one user, in any order.

    Occasions from `since` to `now` count; what became known after `now` is not read.
    """
    known = rows.filter(pl.col("opened_at") <= now).with_columns(
        pl.when(pl.col("resolved_at") <= now).then(pl.col(name)).alias(name)
        for name in ("pnl_bps", "hold_sec", "exit_price", "recommendation_hit")
    )
    return tuple(_measure(pattern, known, limits, (since, now)) for pattern in PATTERNS.values())


def _measure(
    pattern: Pattern, rows: pl.DataFrame, limits: PatternLimits, window: tuple[datetime, datetime]
) -> Behaviour:
    settings = limits.behaviour
    found = pattern.exposures(rows, limits).select(EXPOSURE_SCHEMA.names()).filter(pl.col("at").is_between(*window))
    asked = found.filter(~pl.col("is_control")).sort("at", pl.col("trajectory_ids").list.first(), descending=True)
    hits, n = int(asked.get_column("is_occurrence").sum()), asked.height
    stated: float = getattr(settings.base_rates, pattern.name)
    own = _own_rate(found.filter(pl.col("is_control")), settings.min_exposures)
    base_rate = min(max(stated, own), LARGEST_BASE)
    evidence = evidence_above(hits, n, base_rate)
    weeks = _weeks(asked, window)
    low, high = wilson_interval(hits, n)
    return Behaviour(
        pattern=pattern.name,
        verdict=_verdict(hits, n, evidence, (stated, limits)),
        n_exposures=n,
        n_occurrences=hits,
        rate=hits / n if n else None,
        rate_low=low,
        rate_high=high,
        base_rate=base_rate,
        log_evidence=evidence,
        pnl_gap=_pnl_gap(asked),
        weeks=weeks,
        change=_change(weeks, settings.recent_weeks),
        occurrences=_occurrences(asked.filter(pl.col("is_occurrence"))),
        others=_occurrences(asked.filter(~pl.col("is_occurrence"))),
    )


def _own_rate(control: pl.DataFrame, min_exposures: int) -> float:
    """The upper bound of the rate on the user's control occasions; 0 where there are too few to say."""
    n = control.height
    return wilson_interval(int(control.get_column("is_occurrence").sum()), n)[1] if n >= min_exposures else 0.0


def _verdict(hits: int, n: int, evidence: float, against: tuple[float, PatternLimits]) -> PatternVerdict:
    stated, limits = against
    needed = math.log(len(PATTERNS) / limits.behaviour.alpha)
    if n < limits.behaviour.min_exposures:
        return PatternVerdict.TOO_FEW
    if evidence >= needed:
        return PatternVerdict.SHOWN
    return PatternVerdict.KEPT if evidence_below(hits, n, stated) >= needed else PatternVerdict.UNCLEAR


def _weeks(asked: pl.DataFrame, window: tuple[datetime, datetime]) -> tuple[WeekRate, ...]:
    counted = asked.group_by(week=pl.col("at").dt.truncate("1w")).agg(
        n=pl.len(), hits=pl.col("is_occurrence").cast(pl.Int64).sum()
    )
    by_week = {week: (n, hits) for week, n, hits in counted.select("week", "n", "hits").iter_rows()}
    first, last = map(week_start, window)
    starts = [first + timedelta(weeks=number) for number in range((last - first).days // 7 + 1)]
    return tuple(_week(start, *by_week.get(start, (0, 0))) for start in starts)


def _week(start: datetime, n: int, hits: int) -> WeekRate:
    return WeekRate(week=start, n_exposures=n, n_occurrences=hits, rate=hits / n if n else None)


def _change(weeks: Sequence[WeekRate], recent_weeks: int) -> Change:
    recent, before = _summed(weeks[-recent_weeks:]), _summed(weeks[:-recent_weeks])
    if min(recent[1], before[1]) == 0:
        return Change(progress=Progress.TOO_FEW, n_recent=recent[1], n_before=before[1])
    difference, low, high = difference_interval(recent, before)
    progress = Progress.BETTER if high < 0 else Progress.WORSE if low > 0 else Progress.STEADY
    return Change(progress=progress, n_recent=recent[1], n_before=before[1], difference=difference, low=low, high=high)


def _summed(weeks: Sequence[WeekRate]) -> tuple[int, int]:
    return sum(week.n_occurrences for week in weeks), sum(week.n_exposures for week in weeks)


def _pnl_gap(asked: pl.DataFrame) -> PnlGap:
    known = asked.filter(pl.col("pnl_bps").is_not_null())
    occurred, others = (
        known.filter(pl.col("is_occurrence") == wanted).get_column("pnl_bps").to_numpy() for wanted in (True, False)
    )
    if min(occurred.size, others.size) < 2:
        return PnlGap(n_occurrences=occurred.size, n_others=others.size)
    mean = float(occurred.mean() - others.mean())
    reach = NORMAL_95 * math.sqrt(float(occurred.var(ddof=1) / occurred.size + others.var(ddof=1) / others.size))
    return PnlGap(
        n_occurrences=occurred.size,
        n_others=others.size,
        mean_bps=mean,
        low_bps=mean - reach,
        high_bps=mean + reach,
    )


def _occurrences(rows: pl.DataFrame) -> tuple[Occurrence, ...]:
    return tuple(
        Occurrence(at=at, trajectory_ids=tuple(ids))
        for at, ids in rows.select("at", "trajectory_ids").head(MOST_OCCASIONS).iter_rows()
    )
