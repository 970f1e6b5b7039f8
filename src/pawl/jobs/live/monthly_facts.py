"""Gathers a learner's month from the ledger and the store, for the monthly report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl
import sqlalchemy as sa

from pawl.errors import InputError, NotFoundError
from pawl.evaluation.signal_month import by_day, by_version, win_rate, with_lived
from pawl.gates.verdict_json import verdict_from_json
from pawl.jobs.live.surroundings import TRAINING, TRAININGS
from pawl.jobs.workspace import Workspace
from pawl.ledger.deployments import Deployment, list_deployments
from pawl.ledger.live_log import live_entries
from pawl.ledger.model_versions import StoredVersion, list_versions
from pawl.ledger.monitored_rows import newest_runs_of
from pawl.ledger.monthly_record import (
    count_tests_decided,
    ended_jobs,
    first_signals,
    instants_lived,
    reasons_retired,
    verdict_rows,
)
from pawl.ledger.monthly_selections import Selection, newest_selection
from pawl.ledger.signals import signal_frame
from pawl.market.bars import Timeframe
from pawl.market.checks import check_bars
from pawl.market.limits import QualityLimits
from pawl.reports.monthly_data import (
    Firing,
    MonthlyReport,
    Moved,
    Quality,
    Ruled,
    Selected,
    Trained,
    VersionRow,
)
from pawl.reports.monthly_targets import Reached, targets

__all__ = ["MonthSource", "gather_month", "month_span"]

ROLE = "policy"
FIRST_DAYS = 30


def _no_firings(tx: sa.Connection, learner: str, since: datetime, until: datetime) -> Sequence[Firing]:
    """None."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthSource:
    """What a report is gathered from. firings: triggers that fired after one instant and not after another."""

    workspace: Workspace
    learner: str
    timeframe: Timeframe
    tickers: tuple[str, ...]
    limits: QualityLimits
    firings: Callable[[sa.Connection, str, datetime, datetime], Sequence[Firing]] = _no_firings


def month_span(month: str) -> tuple[datetime, datetime]:
    """The first instants of a month, YYYY-MM, and of the next; InputError for what is no month.

    >>> [f"{one:%Y-%m-%d}" for one in month_span("2025-12")]
    ['2025-12-01', '2026-01-01']
    """
    try:
        start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise InputError(f"`{month}` is no month", where="--month", fix="write it like 2026-01") from None
    return start, (start + timedelta(days=32)).replace(day=1)


def gather_month(source: MonthSource, month: str) -> MonthlyReport:
    """Everything the report shows. The same ledger and store give the same report.

    What happened at the last instant of the month belongs to it, as does what its selection brought about.
    """
    start, end = month_span(month)
    name = source.learner
    with source.workspace.versions.ledger.reading() as tx:
        selection = newest_selection(tx, name, ROLE, month)
        until = end if selection is None else max(end, selection.held_at)
        moves = [one for one in list_deployments(tx, name, ROLE) if one.at <= until]
        versions = [one for one in list_versions(tx, name) if one.role == ROLE and one.trained_at <= until]
        given = signal_frame(tx, name, start, end)
        came = signal_frame(tx, name, start, end, by="resolved_at")
        days = by_day(given.filter(~pl.col("is_shadow")), came.filter(~pl.col("is_shadow")), start, end)
        days = with_lived(days, instants_lived(tx, name, start, end))
        in_month = [one for one in moves if one.at > start]
        serving = moves[-1] if moves else None
        reached = max(newest_runs_of(tx, name).values(), default=end)
        return MonthlyReport(
            learner=name, month=month, start=start, end=end, made_at=until,
            champion=None if serving is None else serving.to_version,
            serves_since=None if serving is None else serving.at,
            versions=_versions(versions, given, reasons_retired(tx, name)),
            selected=None if selection is None else _selected(selection),
            moves=[_moved(one) for one in in_month],
            verdicts=[_ruled(row) for row in verdict_rows(tx, name, start, until)],
            trainings=_trainings(tx, name, start, until),
            firings=source.firings(tx, name, start, end),
            quality=_quality(source, start, end),
            days=days,
            targets=targets(_reached(tx, source, (start, end), days, _Now(versions, serving, in_month, selection))),
            stands_at=reached if reached < end else None,
        )  # fmt: skip


def _versions(
    versions: Sequence[StoredVersion], given: pl.DataFrame, reasons: dict[str, str]
) -> tuple[VersionRow, ...]:
    told = {row["model_version"]: row for row in by_version(given).iter_rows(named=True)}
    figures = ("n_signals", "n_hold", "n_shadow", "n_resolved", "win_rate", "avg_pnl_bps")
    return tuple(
        VersionRow(
            version=one.version, kind=one.model_type, parent=one.parent, trained_at=one.trained_at, status=one.status,
            verdict=one.verdict, given_up=one.files_removed_at is not None, reason=reasons.get(one.version, ""),
            **{name: told[one.version][name] for name in figures if one.version in told},
        )
        for one in versions
    )  # fmt: skip


def _selected(one: Selection) -> Selected:
    return Selected(
        held_at=one.held_at, scored_from=one.scored_from, ranking=one.ranking, best=one.best, act=one.act,
        reason=one.reason, retired=one.retired, removed=one.removed,
    )  # fmt: skip


def _moved(one: Deployment) -> Moved:
    return Moved(
        at=one.at, what=one.what, from_version=one.from_version, to_version=one.to_version, by=one.by, reason=one.reason
    )


def _ruled(row: sa.Row[tuple[object, ...]]) -> Ruled:
    passed = row.gate_result == "pass"
    return Ruled(
        at=row.created_at, version=row.model_version, against=row.baseline_version, scope=row.eval_scope,
        passed=passed, reasons=() if passed else verdict_from_json(row.metrics["verdict"]).reasons,
    )  # fmt: skip


def _trainings(tx: sa.Connection, learner: str, since: datetime, until: datetime) -> list[Trained]:
    """Those that ended, and those that were passed over, in order of time."""
    ended = [
        Trained(at=one.finished_at, what=one.version, kind=one.training_type, status=one.status, why=one.error or "")
        for one in ended_jobs(tx, learner, since, until)
    ]
    skipped = [
        Trained(at=one.at, what=one.name, kind="–", status="skipped", why=str(one.payload["skipped"]))
        for one in live_entries(tx, learner, TRAINING, TRAININGS)
        if since < one.at <= until and one.payload.get("skipped")
    ]
    return sorted([*ended, *skipped], key=lambda one: (one.at, one.what))


def _quality(source: MonthSource, start: datetime, end: datetime) -> list[Quality]:
    silver, timeframe = source.workspace.silver, source.timeframe
    try:
        stored = silver.scan(timeframe, source.tickers)
    except NotFoundError:
        return []
    bars = stored.filter((pl.col("ts") >= start) & (pl.col("ts") < end)).collect()
    report = check_bars(bars, silver.calendars(timeframe), timeframe, source.limits, silver.quarantined(timeframe))
    rows = bars.group_by("ticker").agg(pl.len(), first=pl.col("ts").min(), last=pl.col("ts").max()).sort("ticker")
    found = []
    for ticker, count, first, last in rows.iter_rows():
        mine = [one for one in report.findings if one.ticker == ticker]
        counts = {one.check: one.count for one in mine}
        found.append(
            Quality(
                ticker=ticker, n_bars=count, first=first, last=last, n_gaps=counts.get("gaps", 0),
                n_quarantined=counts.get("quarantined", 0), verdict=report.verdict(ticker),
                reasons=tuple(one.what for one in mine),
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class _Now:
    versions: Sequence[StoredVersion]
    serving: Deployment | None
    moves: Sequence[Deployment]
    selection: Selection | None


def _reached(
    tx: sa.Connection, source: MonthSource, span: tuple[datetime, datetime], days: pl.DataFrame, now: _Now
) -> Reached:
    start, end = span
    totals = {name: int(days[name].sum()) for name in ("n_signals", "n_hold", "n_wins", "n_losses", "n_resolved")}
    first = first_signals(tx, source.learner, FIRST_DAYS, start)
    serving = next((one for one in now.versions if now.serving and one.version == now.serving.to_version), None)
    return Reached(
        n_signals=totals["n_signals"],
        n_hold=totals["n_hold"],
        n_wins=totals["n_wins"],
        n_losses=totals["n_losses"],
        pnl_bps=float(days["pnl_bps"].sum()) if totals["n_resolved"] else None,
        first_win_rate=None if first is None else _rate(first.filter(~pl.col("is_shadow"))),
        data_age_days=None if serving is None else (end - serving.max_t1) / timedelta(days=1),
        n_by_hand=sum(one.by in ("pawl promote", "pawl rollback") for one in now.moves),
        n_ranked=sum(row["place"] is not None for row in now.selection.ranking) if now.selection else 0,
        n_tests_decided=count_tests_decided(tx, source.learner, start, end),
    )


def _rate(signals: pl.DataFrame) -> float | None:
    outcome = signals["actual_outcome"]
    return win_rate(int((outcome == "win").sum()), int((outcome == "loss").sum()))
