"""What is wrong with the bars of each ticker, and whether it stops training on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import polars as pl

from pawl.errors import QualityError
from pawl.market.bars import BAR_COLUMNS, Timeframe
from pawl.market.calendars import FX, Calendar
from pawl.market.limits import QualityLimits
from pawl.market.row_rules import ROW_FAULTS, sort_out

__all__ = ["CHECKS", "Finding", "QualityReport", "Severity", "TradesOn", "check_bars", "quarantine_findings"]

SIGMA_BARS = 101  # the neighbourhood whose median move says what is usual around a bar
MAD_TO_SIGMA = 1.4826
LONELY_BARS = 3  # a bad tick stands alone: no other spike this many bars before or after it
MIN_STALE_BARS = 3

CHECKS = {
    "gaps": "bars that the ticker's calendar expects between its first and its last, and that are missing",
    "stale_runs": "flat bars (high = low) at one unchanged price in a row",
    "spikes": "closes that moved far beyond what is usual around them, and stayed",
    "suspicious_spikes": "closes that moved far, alone, and came back with the next bar: bad ticks",
    "zero_volume": "bars without volume",
    "row_faults": "rows that break a rule of the single bar, or of their calendar",
    "quarantined": "rows in quarantine for which no good row came later",
}
"""Every check by name, with its meaning."""


class TradesOn(Protocol):
    """What knows its calendar."""

    @property
    def calendar(self) -> Calendar:
        """The calendar."""


class Severity(StrEnum):
    """How bad a finding is: a `warn` is told, a `fail` stops training on the ticker."""

    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found about one ticker. count: bars or rows. at: where the worst of it stands."""

    ticker: str
    check: str
    severity: Severity
    count: int
    what: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """The findings about some tickers. rows: bars by ticker, sorted."""

    rows: Mapping[str, int]
    findings: Sequence[Finding]

    @property
    def failing(self) -> dict[str, str]:
        """The tickers that may not be trained on, with the reasons."""
        reasons: dict[str, list[str]] = {}
        for finding in self.findings:
            if finding.severity is Severity.FAIL:
                reasons.setdefault(finding.ticker, []).append(finding.what)
        return {ticker: "; ".join(what) for ticker, what in reasons.items()}

    @property
    def failing_tickers(self) -> tuple[str, ...]:
        """The names of the tickers that may not be trained on, sorted."""
        return tuple(sorted(self.failing))

    @property
    def is_ok(self) -> bool:
        """Whether every ticker may be trained on."""
        return not self.failing

    def verdict(self, ticker: str) -> str:
        """`ok`, `warn` or `fail`."""
        severities = {finding.severity for finding in self.findings if finding.ticker == ticker}
        return next((str(worst) for worst in (Severity.FAIL, Severity.WARN) if worst in severities), "ok")

    def require_pass(self) -> None:
        """QualityError naming every ticker that fails."""
        if not self.is_ok:
            named = "; ".join(f"{ticker}: {why}" for ticker, why in self.failing.items())
            raise QualityError(named, where="data checks", fix="see `pawl data check`, mend or leave out these tickers")


def check_bars(
    bars: pl.DataFrame,
    calendars: Mapping[str, TradesOn],
    timeframe: Timeframe,
    limits: QualityLimits,
    quarantined: Mapping[str, int] | None = None,
) -> QualityReport:
    """Check the bars of every ticker against the limits.

    bars: SILVER_SCHEMA, any order. calendars: by ticker; a ticker without one counts as 24/7.
    quarantined: by ticker, rows that were refused and never came good; tickers not in bars are passed over.
    Row faults are looked for as well, because bars may come from elsewhere than the silver store.
    """
    ordered = bars.sort("ticker", "ts")
    on_fx = [ticker for ticker, entry in calendars.items() if entry.calendar == FX]
    findings = [
        *_row_faults(ordered),
        *_gaps(ordered, limits),
        *_stale_runs(ordered, timeframe, limits),
        *_spikes(ordered, limits),
        *_zero_volume(ordered, on_fx, limits),
    ]
    rows = {str(ticker): int(n) for ticker, n in ordered.group_by("ticker", maintain_order=True).len().iter_rows()}
    present = {ticker: count for ticker, count in (quarantined or {}).items() if ticker in rows}
    findings += quarantine_findings(rows, present, limits)
    order = {name: place for place, name in enumerate(CHECKS)}
    return QualityReport(
        rows=rows,
        findings=tuple(sorted(findings, key=lambda finding: (finding.ticker, order[finding.check]))),
    )


def _row_faults(bars: pl.DataFrame) -> list[Finding]:
    off = bars.filter(pl.col("session").is_null()).select(*BAR_COLUMNS, reason=pl.lit("off_calendar"))
    bad = pl.concat([sort_out(bars).bad, off]).drop_nulls("ticker")
    counts = bad.group_by("ticker", "reason").agg(pl.len(), at=pl.col("ts").min())
    return [
        Finding(
            ticker=row["ticker"],
            check="row_faults",
            severity=Severity.FAIL,
            count=row["len"],
            what=f"{row['len']} rows where {ROW_FAULTS[row['reason']]}",
            at=row["at"],
        )
        for row in counts.iter_rows(named=True)
    ]


def _gaps(bars: pl.DataFrame, limits: QualityLimits) -> list[Finding]:
    steps = bars.select(
        "ticker",
        "ts",
        missing=pl.col("session").diff().over("ticker") - 1,
        pause=pl.col("ts").diff().over("ticker"),
    ).filter(pl.col("missing") > 0)
    gaps = steps.group_by("ticker").agg(
        n_gaps=pl.len(),
        n_missing=pl.col("missing").sum(),
        longest=pl.col("pause").max(),
        at=pl.col("ts").sort_by("missing").last(),
    )
    counted = gaps.join(bars.group_by("ticker").len("n_rows"), on="ticker")
    found = []
    for row in counted.iter_rows(named=True):
        share = row["n_missing"] / (row["n_rows"] + row["n_missing"])
        too_long = row["longest"] > timedelta(days=limits.max_gap_days)
        found.append(
            Finding(
                ticker=row["ticker"],
                check="gaps",
                severity=_severity(share > limits.max_missing_share or too_long),
                count=row["n_missing"],
                what=f"{row['n_missing']} bars missing ({share:.2%}) in {row['n_gaps']} gaps, "
                f"the longest pause {_pause(row['longest'])}",
                at=row["at"],
            )
        )
    return found


def _stale_runs(bars: pl.DataFrame, timeframe: Timeframe, limits: QualityLimits) -> list[Finding]:
    is_flat = pl.col("high") == pl.col("low")
    goes_on = is_flat & is_flat.shift(1) & (pl.col("close") == pl.col("close").shift(1))
    flat = bars.select("ticker", "ts", "close", is_flat=is_flat, starts=~goes_on.over("ticker").fill_null(value=False))
    runs = (
        flat.with_columns(run=pl.col("starts").cum_sum())
        .filter("is_flat")
        .group_by("ticker", "run")
        .agg(pl.len(), at=pl.col("ts").min())
        .filter(pl.col("len") >= MIN_STALE_BARS)
    )
    worst = runs.group_by("ticker").agg(
        n=pl.len(), total=pl.col("len").sum(), longest=pl.col("len").max(), at=pl.col("at").sort_by("len").last()
    )
    found = []
    for row in worst.iter_rows(named=True):
        lasts = row["longest"] * timeframe.length >= timedelta(minutes=limits.stale_minutes)
        found.append(
            Finding(
                ticker=row["ticker"],
                check="stale_runs",
                severity=_severity(row["longest"] >= limits.stale_bars and lasts),
                count=row["total"],
                what=f"{row['n']} stale runs, the longest of {row['longest']} flat bars at one price",
                at=row["at"],
            )
        )
    return found


def _spikes(bars: pl.DataFrame, limits: QualityLimits) -> list[Finding]:
    usable = bars.filter(pl.col("close") > 0)
    move = pl.col("close").log().diff()
    usual = pl.col("move").abs().rolling_median(SIGMA_BARS, center=True, min_samples=20) * MAD_TO_SIGMA
    moves = usable.select("ticker", "ts", move=move.over("ticker")).with_columns(
        sigmas=(pl.col("move").abs() / usual).over("ticker"), back=pl.col("move").shift(-1).over("ticker")
    )
    # A quiet minute moves by fractions of a basis point, and any move is many sigmas then; it is no spike.
    is_large = (pl.col("sigmas") >= limits.spike_sigmas) & (_fraction("move") >= limits.min_suspicious_move)
    returns = (pl.col("move") + pl.col("back")).abs() <= limits.spike_reverts_to * pl.col("move").abs()
    near = pl.sum_horizontal(
        is_large.cast(pl.Int8).shift(step).fill_null(0) for step in range(-LONELY_BARS, LONELY_BARS + 1)
    ).over("ticker")
    # The way back is a spike too: two in the neighbourhood, and no third.
    marked = moves.with_columns(is_large=is_large, is_suspicious=is_large & returns & (near <= 2)).with_columns(
        is_way_back=pl.col("is_suspicious").shift(1).over("ticker").fill_null(value=False)
    )
    suspicious = marked.filter("is_suspicious")
    lasting = marked.filter(pl.col("is_large") & ~pl.col("is_suspicious") & ~pl.col("is_way_back"))
    is_far = (_fraction("move") >= limits.suspicious_move) | (pl.col("sigmas") >= limits.suspicious_sigmas)
    fails = set(suspicious.filter(is_far)["ticker"])
    return [
        *_spike_findings("spikes", lasting, "moved far and stayed: real, or a split", set()),
        *_spike_findings("suspicious_spikes", suspicious, "moved far, alone, and came back: a bad tick?", fails),
    ]


def _spike_findings(check: str, spikes: pl.DataFrame, meaning: str, fails: set[str]) -> list[Finding]:
    worst = spikes.group_by("ticker").agg(
        pl.len().alias("n"),
        at=pl.col("ts").sort_by(pl.col("move").abs()).last(),
        largest=pl.col("move").sort_by(pl.col("move").abs()).last().exp() - 1,
    )
    return [
        Finding(
            ticker=row["ticker"],
            check=check,
            severity=_severity(row["ticker"] in fails),
            count=row["n"],
            what=f"{row['n']} closes {meaning}; the largest {row['largest']:+.1%}",
            at=row["at"],
        )
        for row in worst.iter_rows(named=True)
    ]


def _zero_volume(bars: pl.DataFrame, on_fx: Sequence[str], limits: QualityLimits) -> list[Finding]:
    counts = bars.group_by("ticker").agg(
        n=(pl.col("volume") == 0).sum(), n_rows=pl.len(), at=pl.col("ts").filter(pl.col("volume") == 0).first()
    )
    found = []
    for row in counts.filter(pl.col("n") > 0).iter_rows(named=True):
        share = row["n"] / row["n_rows"]
        # FX has no volume of its own; many feeds give none.
        is_failing = share > limits.max_zero_volume_share and row["ticker"] not in on_fx
        found.append(
            Finding(
                ticker=row["ticker"],
                check="zero_volume",
                severity=_severity(is_failing),
                count=row["n"],
                what=f"{row['n']} bars without volume ({share:.2%})",
                at=row["at"],
            )
        )
    return found


def quarantine_findings(rows: Mapping[str, int], counts: Mapping[str, int], limits: QualityLimits) -> list[Finding]:
    """What rows in quarantine say about their tickers. rows, counts: good rows and refused ones by ticker."""
    found = []
    for ticker, count in counts.items():
        share = count / (rows.get(ticker, 0) + count)
        found.append(
            Finding(
                ticker=ticker,
                check="quarantined",
                severity=_severity(share > limits.max_quarantined_share),
                count=count,
                what=f"{count} rows in quarantine ({share:.2%})",
            )
        )
    return found


def _severity(is_failing: bool) -> Severity:  # noqa: FBT001 - the one question it answers
    return Severity.FAIL if is_failing else Severity.WARN


def _fraction(move: str) -> pl.Expr:
    """A log move as the larger of the fractions gained and lost: halving and doubling are one size."""
    return pl.col(move).abs().exp() - 1


def _pause(length: timedelta) -> str:
    return f"{length.days} days" if length >= timedelta(days=2) else f"{length.total_seconds() / 3600:g} hours"
