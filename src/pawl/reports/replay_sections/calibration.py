"""How honest the probabilities were over time: the calibration error of each span between two trainings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from itertools import pairwise

import polars as pl

from pawl.reports.chart_style import axis, axis_title, base_layout, label
from pawl.reports.lines import line_styles, policy_role
from pawl.reports.replay_data import PolicyFacts, ReplayReport
from pawl.reports.report_data import Unit
from pawl.reports.section import Chart, Column, Json, Section, missing, table, with_table
from pawl.reports.wording import figure, joined, moment, plural

__all__ = ["calibration"]

_TITLE = "Calibration over time"


def calibration(data: ReplayReport) -> Section:
    """The expected calibration error by policy, a step a span; a span in which nothing was scored is a gap."""
    scored = [policy for policy in data.policies if _filled(policy).height]
    if not scored:
        sentence = "No probability was scored against its outcome, so calibration is unknown."
        return missing("calibration", _TITLE, sentence)
    lead = _lead(scored)
    chart = Chart(
        id="chart-calibration",
        label=f"Steps of the calibration error over time by policy. {lead}",
        traces=_traces(scored, data.end),
        layout=_layout(),
        height_px=380,
    )
    event = (
        f'<p class="aside">The probability is that of: {escape(data.foresees)}. '
        "An ECE of 0 means that it came true as often as foreseen.</p>"
    )
    body = event + with_table(chart, _numbers(scored))
    return Section(id="calibration", title=_TITLE, lead=lead, body=body, charts=(chart,))


def _filled(policy: PolicyFacts) -> pl.DataFrame:
    ece = pl.col("ece").cast(pl.Float64)
    return policy.calibration.filter(pl.col("n") > 0, ece.is_finite())


def _lead(scored: Sequence[PolicyFacts]) -> str:
    parts = []
    for policy in scored:
        ece = _filled(policy)["ece"].cast(pl.Float64)
        median, worst = (figure(value, Unit.SCORE) for value in (ece.quantile(0.5, "linear"), ece.quantile(1.0)))
        parts.append(f"{median} and {worst} for {policy.name}")
    n = sum(policy.calibration.height for policy in scored)
    gaps = n - sum(_filled(policy).height for policy in scored)
    rest = f" In {gaps} of {plural(n, 'span')} of all policies nothing was scored: the line has a gap." if gaps else ""
    return f"The expected calibration error of the median span and of the worst: {joined(parts)}.{rest}"


def _traces(scored: Sequence[PolicyFacts], end: datetime) -> list[Json]:
    styles = line_styles([policy_role(policy.name) for policy in scored])
    return [_trace(policy, end, style) for policy, style in zip(scored, styles, strict=True)]


def _trace(policy: PolicyFacts, end: datetime, style: Json) -> dict[str, Json]:
    x: list[Json] = []
    y: list[Json] = []
    spans: list[Json] = []
    begins = [*policy.calibration["begin"], end]
    for (begin, until), (n, ece) in zip(
        pairwise(begins), policy.calibration.select("n", pl.col("ece").cast(pl.Float64)).iter_rows(), strict=True
    ):
        value = ece if n else None
        # Each span has its own two ends, so that a lone one between two gaps is drawn, too.
        x += [moment(begin), moment(until)]
        y += [value, value]
        words = f"n = {n:,}, from {moment(begin)} to {moment(until)}"
        spans += [words, words]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(policy.name),
        "x": x,
        "y": y,
        "customdata": spans,
        "line": style,
        "hovertemplate": "%{y:.3f} (%{customdata})",
    }


def _layout() -> Mapping[str, Json]:
    error = axis(title=axis_title("ECE of the span"), rangemode="tozero", tickformat=".3f")
    return base_layout({"xaxis": axis(type="date", showgrid=False), "yaxis": error, "hovermode": "closest"})


def _numbers(scored: Sequence[PolicyFacts]) -> str:
    numbers = (Column(title, is_number=True) for title in ("n", "ECE", "Brier", "Base rate"))
    units = (Unit.COUNT, Unit.SCORE, Unit.SCORE, Unit.PERCENT)
    rows = [
        [moment(begin), policy.name, *(figure(value, unit) for value, unit in zip(found, units, strict=True))]
        for policy in scored
        for begin, *found in policy.calibration.select("begin", "n", "ece", "brier", "base_rate").iter_rows()
    ]
    columns = [Column("Span from"), Column("Policy"), *numbers]
    return table(columns, rows, caption="Calibration of each span between two trainings, times in UTC")
