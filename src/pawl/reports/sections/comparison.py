"""The model beside its baselines, metric by metric, with the interval of every difference."""

from html import escape

from pawl.reports.answer import MARKS, Verdict, verdict
from pawl.reports.intervals import bounds_below, whisker
from pawl.reports.report_data import Better, Comparison, Interval, MetricRow, ReportData, Unit
from pawl.reports.section import Column, Section, missing, table
from pawl.reports.wording import figure, joined, signed

__all__ = ["comparison"]

_TITLE = "Beside the baselines"


def comparison(data: ReportData) -> Section:
    """One table a baseline, all on the same rows."""
    baselines = list(dict.fromkeys(one.baseline for row in data.metrics for one in row.comparisons))
    if not baselines:
        return missing(
            "baselines", _TITLE, "No baseline was scored on these rows, so there is nothing to compare with."
        )
    body = "".join(_against(baseline, data) for baseline in baselines)
    return Section(id="baselines", title=_TITLE, lead=_lead(data, baselines), body=body)


def _lead(data: ReportData, baselines: list[str]) -> str:
    parts = []
    for baseline in baselines:
        found = [verdict(one.difference, row.better) for row, one in _pairs(data, baseline)]
        counts = [f"{sum(v is kind for v in found)} {kind.value}" for kind in Verdict if kind in found]
        parts.append(f"against {baseline}: {joined(counts)}")
    rule = "A difference counts as better or worse only where its whole interval lies on one side of zero."
    return f"Of the metrics below, {'; '.join(parts)}. {rule}"


def _pairs(data: ReportData, baseline: str) -> list[tuple[MetricRow, Comparison]]:
    return [(row, one) for row in data.metrics for one in row.comparisons if one.baseline == baseline]


def _against(baseline: str, data: ReportData) -> str:
    columns = [
        Column("Metric", is_html=True),
        Column("Verdict", is_html=True),
        Column(data.version, is_number=True, is_html=True),
        Column(baseline, is_number=True, is_html=True),
        Column("Difference", is_number=True, is_html=True),
        Column("Interval of the difference", is_html=True),
    ]
    rows = [_row(row, one) for row, one in _pairs(data, baseline)]
    caption = f"{data.version} beside {baseline}, difference = {data.version} − {baseline}"
    return f"<h3>Against {escape(baseline)}</h3>" + table(columns, rows, caption=caption)


def _row(row: MetricRow, one: Comparison) -> list[str]:
    found = verdict(one.difference, row.better)
    direction = "higher is better" if row.better is Better.HIGHER else "lower is better"
    return [
        f'{escape(row.name)}<span class="hint">{direction}</span>',
        f'<span class="verdict {MARKS[found]}">{found.value}</span>',
        _cell(row.model, row.unit),
        _cell(one.value, row.unit),
        f"{signed(one.difference.value, row.unit)}{bounds_below(one.difference, row.unit)}",
        whisker(one.difference, MARKS[found]),
    ]


def _cell(estimate: Interval, unit: Unit) -> str:
    return figure(estimate.value, unit) + bounds_below(estimate, unit)
