"""How honest the probabilities are: what was foreseen beside what came."""

from collections.abc import Mapping
from html import escape

from pawl.reports.chart_style import axis, axis_title, base_layout, percent_axis
from pawl.reports.report_data import Calibration, CalibrationBin, ReportData, Unit
from pawl.reports.section import Chart, Column, Json, Section, missing, table, with_table
from pawl.reports.wording import figure, plural

__all__ = ["calibration"]

_TITLE = "Calibration"


def calibration(data: ReportData) -> Section:
    """The calibration curve over its bins, the count of each bin below."""
    found = data.calibration
    if found is None or not any(one.n for one in found.bins):
        return missing(
            "calibration", _TITLE, "No probability was scored against its outcome, so calibration is unknown."
        )
    n = sum(one.n for one in found.bins)
    lead = (
        f"Over {plural(n, 'prediction')}, the expected calibration error is {figure(found.ece, Unit.SCORE)} and the "
        f"Brier score {figure(found.brier, Unit.SCORE)}, where always saying the base rate of "
        f"{figure(found.base_rate, Unit.PERCENT)} would give {figure(_brier_of_base_rate(found), Unit.SCORE)}."
    )
    filled = [one for one in found.bins if one.n]
    chart = Chart(
        id="chart-calibration",
        label=f"Calibration curve with the count of predictions in each bin. {lead}",
        traces=_traces(filled),
        layout=_layout(),
        height_px=460,
    )
    event = (
        f'<p class="aside">The probability is that of: {escape(found.event)}. On the diagonal it keeps its word.</p>'
    )
    body = event + with_table(chart, _numbers(found))
    return Section(id="calibration", title=_TITLE, lead=lead, body=body, charts=(chart,))


def _brier_of_base_rate(found: Calibration) -> float:
    return found.base_rate * (1.0 - found.base_rate)


def _traces(bins: list[CalibrationBin]) -> list[Json]:
    foreseen: list[Json] = [100 * one.mean_probability for one in bins]
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "perfect",
            "x": [0, 100],
            "y": [0, 100],
            "line": {"color": "var(--benchmark)", "width": 1.2, "dash": "dot"},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": "came true",
            "x": foreseen,
            "y": [100 * one.hit_share for one in bins],
            "customdata": [one.n for one in bins],
            "line": {"color": "var(--model)", "width": 2},
            "marker": {"size": 8, "color": "var(--model)"},
            "hovertemplate": "foreseen %{x:.1f} %, came true %{y:.1f} %, n = %{customdata:,}<extra></extra>",
        },
        {
            "type": "bar",
            "name": "predictions",
            "x": [50 * (one.low + one.high) for one in bins],
            "y": [one.n for one in bins],
            "width": [92 * (one.high - one.low) for one in bins],
            "yaxis": "y2",
            "marker": {"color": "var(--model-soft)", "line": {"color": "var(--model)", "width": 1}},
            "hovertemplate": "%{y:,} predictions<extra></extra>",
        },
    ]


def _layout() -> Mapping[str, Json]:
    return base_layout(
        {
            "xaxis": percent_axis(
                range=[0, 100], anchor="y2", title=axis_title("Probability foreseen"), zeroline=False
            ),
            "yaxis": percent_axis(
                range=[0, 100], domain=[0.34, 1.0], title=axis_title("Share that came true"), zeroline=False
            ),
            "yaxis2": axis(domain=[0.0, 0.24], title=axis_title("Count"), anchor="x", nticks=3, tickformat=","),
            "hovermode": "closest",
        }
    )


def _numbers(found: Calibration) -> str:
    columns = [Column("Bin"), *(Column(title, is_number=True) for title in ("n", "Mean probability", "Came true"))]
    rows = [
        [
            f"{figure(one.low, Unit.RATIO)} … {figure(one.high, Unit.RATIO)}",
            figure(one.n, Unit.COUNT),
            figure(one.mean_probability if one.n else None, Unit.PERCENT),
            figure(one.hit_share if one.n else None, Unit.PERCENT),
        ]
        for one in found.bins
    ]
    return table(columns, rows, caption="Calibration by bin of probability")
