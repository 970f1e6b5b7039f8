"""How `pawl data` prints: what a merge did, what the checks found, what lies in the store."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from rich.console import Group
from rich.table import Table
from rich.text import Text

from pawl.lake.silver import Merge, SilverStore
from pawl.market.bars import Timeframe
from pawl.market.checks import Finding, QualityReport
from pawl.market.row_rules import ROW_FAULTS

__all__ = [
    "CheckedTicker",
    "Listed",
    "check_text",
    "checked_tickers",
    "list_text",
    "listed",
    "merge_payload",
    "merge_text",
]

COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedTicker:
    """What the checks say about one ticker."""

    ticker: str
    timeframe: str
    calendar: str
    rows: int
    verdict: str
    findings: tuple[Finding, ...]

    def payload(self) -> dict[str, object]:
        """The ticker for --json."""
        findings = [
            {
                "check": finding.check,
                "severity": str(finding.severity),
                "count": finding.count,
                "what": finding.what,
                "at": finding.at.isoformat() if finding.at else None,
            }
            for finding in self.findings
        ]
        return {
            "ticker": self.ticker,
            "timeframe": self.timeframe,
            "calendar": self.calendar,
            "rows": self.rows,
            "verdict": self.verdict,
            "findings": findings,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One ticker in the store; first and last are open times in ISO 8601."""

    ticker: str
    timeframe: str
    calendar: str
    is_inferred: bool
    rows: int
    first: str
    last: str

    def payload(self) -> dict[str, object]:
        """The ticker for --json."""
        return {name: getattr(self, name) for name in self.__slots__}


def checked_tickers(report: QualityReport, timeframe: Timeframe, calendars: Mapping[str, str]) -> list[CheckedTicker]:
    """The tickers of a report, each with its findings."""
    return [
        CheckedTicker(
            ticker=ticker,
            timeframe=str(timeframe),
            calendar=calendars.get(ticker, "-"),
            rows=rows,
            verdict=report.verdict(ticker),
            findings=tuple(finding for finding in report.findings if finding.ticker == ticker),
        )
        for ticker, rows in report.rows.items()
    ]


def listed(store: SilverStore, timeframe: Timeframe) -> list[Listed]:
    """The tickers of a store with bars of one length."""
    calendars = store.calendars(timeframe)
    spans = store.scan(timeframe).group_by("ticker").agg(pl.len(), first=pl.col("ts").min(), last=pl.col("ts").max())
    return [
        Listed(
            ticker=row["ticker"],
            timeframe=str(timeframe),
            calendar=calendars[row["ticker"]].code,
            is_inferred=calendars[row["ticker"]].is_inferred,
            rows=row["len"],
            first=row["first"].isoformat(),
            last=row["last"].isoformat(),
        )
        for row in spans.sort("ticker").collect().iter_rows(named=True)
    ]


def merge_payload(merge: Merge) -> dict[str, object]:
    """What a merge did, for --json."""
    return {
        "added": merge.added,
        "replaced": merge.replaced,
        "unchanged": merge.unchanged,
        "quarantined": merge.quarantined,
        "tickers": list(merge.tickers),
    }


def merge_text(merge: Merge, timeframe: Timeframe) -> Group:
    """What a merge did, for people."""
    lines = [
        f"{merge.added:,} bars added, {merge.replaced:,} replaced, {merge.unchanged:,} unchanged, "
        f"{merge.quarantined:,} quarantined; {len(merge.tickers)} tickers.",
        *(f"  quarantined {count:>7,}  {ROW_FAULTS[reason]}" for reason, count in merge.reasons.items()),
    ]
    kinds = Counter((entry.code, entry.is_inferred) for entry in merge.calendars.values())
    for (code, is_inferred), count in sorted(kinds.items()):
        lines.append(f"  calendar {code} ({'inferred' if is_inferred else 'given'}) for {count} tickers")
    lines.append(f"Next: pawl data check --timeframe {timeframe}")
    return Group(*(Text(line) for line in lines))


def check_text(checked: Sequence[CheckedTicker]) -> Group:
    """The verdict, then a line for each ticker, then the next command."""
    n_failing = sum(ticker.verdict == "fail" for ticker in checked)
    n_warned = sum(ticker.verdict == "warn" for ticker in checked)
    if not checked:
        return Group(Text("no bars yet. Next: pawl data import FILE --timeframe 1d"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("ticker", "bars", "calendar"):
        table.add_column(name, no_wrap=True)
    table.add_column("rows", justify="right")
    table.add_column("verdict")
    table.add_column("findings")
    for ticker in checked:
        what = "\n".join(f"{finding.check}: {finding.what}{_since(finding)}" for finding in ticker.findings)
        verdict = Text(ticker.verdict.upper() if ticker.verdict == "fail" else ticker.verdict, COLOURS[ticker.verdict])
        table.add_row(Text(ticker.ticker), ticker.timeframe, ticker.calendar, f"{ticker.rows:,}", verdict, Text(what))
    answer = f"{n_failing} of {len(checked)} tickers fail and may not be trained on" if n_failing else "no ticker fails"
    following = "docs/data.md says what each finding means" if n_failing else "pawl features prove m002"
    return Group(Text(f"{answer}; {n_warned} warn."), table, Text(f"Next: {following}"))


def list_text(rows: Sequence[Listed]) -> Group:
    """A line for each ticker."""
    if not rows:
        return Group(Text("no bars yet. Next: pawl data import FILE --timeframe 1d"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("ticker", no_wrap=True)
    table.add_column("bars")
    table.add_column("calendar")
    table.add_column("rows", justify="right")
    table.add_column("first", no_wrap=True)
    table.add_column("last", no_wrap=True)
    for row in rows:
        calendar = f"{row.calendar} (inferred)" if row.is_inferred else row.calendar
        first, last = (text.removesuffix(":00+00:00").replace("T", " ") for text in (row.first, row.last))
        table.add_row(Text(row.ticker), row.timeframe, calendar, f"{row.rows:,}", first, last)
    return Group(Text(f"{len(rows)} series; open times in UTC."), table)


def _since(finding: Finding) -> str:
    return f" ({finding.at:%Y-%m-%d %H:%M})" if finding.at else ""
