"""The model beside its baselines, metric by metric, with the interval of every difference."""

import math
from html import escape

from pawl.reports.answer import Verdict, verdict
from pawl.reports.report_data import Better, Comparison, Interval, MetricRow, ReportData, Unit
from pawl.reports.section import Column, Section, missing, table
from pawl.reports.wording import NOTHING, figure, interval, joined, signed

__all__ = ["comparison"]

_TITLE = "Beside the baselines"
_MARKS = {Verdict.BETTER: "good", Verdict.WORSE: "bad", Verdict.UNCLEAR: "even", Verdict.UNKNOWN: "even"}


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
        f'<span class="verdict {_MARKS[found]}">{found.value}</span>',
        _cell(row.model, row.unit),
        _cell(one.value, row.unit),
        f"{signed(one.difference.value, row.unit)}{_bounds(one.difference, row.unit)}",
        _whisker(one.difference, _MARKS[found]),
    ]


def _cell(estimate: Interval, unit: Unit) -> str:
    return figure(estimate.value, unit) + _bounds(estimate, unit)


def _bounds(estimate: Interval, unit: Unit) -> str:
    bounds = interval(estimate, unit)
    return f'<span class="range">{bounds}</span>' if bounds else ""


def _whisker(difference: Interval, mark: str) -> str:
    """The interval drawn on a line whose middle is zero, each row on its own scale."""
    bounds = (difference.low, difference.value, difference.high)
    known = [value for value in bounds if value is not None and math.isfinite(value)]
    reach = max((abs(value) for value in known), default=0.0)
    if len(known) < len(bounds) or reach == 0:
        return NOTHING
    low, value, high = (70 + 64 * bound / reach for bound in known)
    return (
        f'<svg class="whisker {mark}" viewBox="0 0 140 16" width="140" height="16" aria-hidden="true">'
        f'<line class="zero" x1="70" x2="70" y1="1" y2="15"/>'
        f'<line class="reach" x1="{low:.1f}" x2="{high:.1f}" y1="8" y2="8"/>'
        f'<circle cx="{value:.1f}" cy="8" r="3.5"/></svg>'
    )
