"""What the report says, for the terminal: the answer first, then the figures beside the baselines, then the data."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pawl.reports.answer import Verdict, answer, verdict
from pawl.reports.report_data import MetricRow, QualityRow, QualityVerdict, ReportData
from pawl.reports.wording import NOTHING, figure, interval, moment, signed

__all__ = ["comparison_table", "quality_summary", "summary"]

_VERDICT_STYLES = {Verdict.BETTER: "bold green", Verdict.WORSE: "bold red", Verdict.UNCLEAR: "", Verdict.UNKNOWN: "dim"}
_QUALITY_STYLES = {QualityVerdict.PASS: "green", QualityVerdict.WARN: "yellow", QualityVerdict.FAIL: "bold red"}


def summary(data: ReportData) -> RenderableType:
    """The answer in one sentence, then one table a baseline."""
    baselines = dict.fromkeys(one.baseline for row in data.metrics for one in row.comparisons)
    tables = [comparison_table(data.version, data.metrics, baseline) for baseline in baselines]
    return Group(Text(answer(data)), *(part for table in tables for part in (Text(), table)))


def comparison_table(version: str, metrics: Sequence[MetricRow], baseline: str) -> Table:
    """The metrics of a version beside one baseline, with the 95 % interval of each difference; 80 columns suffice."""
    table = _table(f"{version} beside {baseline}")
    table.add_column("")
    for title in ("model", "baseline", "difference", "95 % interval"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for row in metrics:
        for one in row.comparisons:
            if one.baseline == baseline:
                found = verdict(one.difference, row.better)
                table.add_row(
                    Text(row.name),
                    figure(row.model.value, row.unit),
                    figure(one.value.value, row.unit),
                    signed(one.difference.value, row.unit),
                    interval(one.difference, row.unit) or NOTHING,
                    Text(found.value, style=_VERDICT_STYLES[found]),
                )
    return table


def quality_summary(rows: Sequence[QualityRow]) -> RenderableType:
    """The data check by ticker, then what warned or failed in words, a line a ticker."""
    table = _table("Data check, times in UTC")
    for title in ("ticker", "first", "last"):
        table.add_column(title, no_wrap=True)
    for title in ("rows", "gaps", "warnings", "quarantined"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for row in rows:
        counts = (row.n_rows, row.n_gaps, row.n_warnings, row.n_quarantined)
        mark = Text(row.verdict.value, style=_QUALITY_STYLES[row.verdict])
        figures = [f"{count:,}" for count in counts]
        table.add_row(Text(row.ticker), moment(row.first), moment(row.last), *figures, mark)
    reasons = [Text(f"{row.ticker} {row.verdict.value}: {'; '.join(row.reasons)}") for row in rows if row.reasons]
    return Group(table, *reasons)


def _table(title: str) -> Table:
    # Names come from data, and rich reads [markup] in plain strings: every such name is handed over as Text.
    return Table(
        title=Text(title),
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
