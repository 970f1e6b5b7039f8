"""Which features the head split on."""

from collections.abc import Mapping

from pawl.reports.chart_style import axis, axis_title, base_layout, label, percent_axis
from pawl.reports.report_data import FeatureGain, ReportData, Unit
from pawl.reports.section import Chart, Column, Json, Section, missing, table, with_table
from pawl.reports.wording import figure, plural

__all__ = ["importance"]

_TITLE = "Feature importance"
_TOP = 25


def importance(data: ReportData) -> Section:
    """The 25 features of most gain, as shares of the whole gain."""
    whole = sum(one.gain for one in data.importance if one.gain > 0)
    if not whole > 0:
        return missing("importance", _TITLE, "No feature importance was handed in.")
    ranked = sorted((one for one in data.importance if one.gain > 0), key=lambda one: (-one.gain, one.feature))
    top = ranked[:_TOP]
    share = sum(one.gain for one in top) / whole
    lead = (
        f"{top[0].feature} gives {figure(top[0].gain / whole, Unit.PERCENT)} of the gain; the {len(top)} shown give "
        f"{figure(share, Unit.PERCENT)}, out of {plural(len(data.importance), 'feature')}."
    )
    chart = Chart(
        id="chart-importance",
        label=f"Bars of the share of split gain by feature. {lead}",
        traces=[_bars(top, whole)],
        layout=_layout(),
        height_px=90 + 22 * len(top),
    )
    body = with_table(chart, _numbers(top, whole))
    return Section(id="importance", title=_TITLE, lead=lead, body=body, charts=(chart,))


def _bars(top: list[FeatureGain], whole: float) -> dict[str, Json]:
    rising = top[::-1]
    return {
        "type": "bar",
        "orientation": "h",
        "y": [label(one.feature) for one in rising],
        "x": [100 * one.gain / whole for one in rising],
        "customdata": [label(one.meaning) for one in rising],
        "marker": {"color": "var(--model)"},
        "hovertemplate": "%{x:.1f} % %{customdata}<extra></extra>",
    }


def _layout() -> Mapping[str, Json]:
    gain = percent_axis(title=axis_title("Share of split gain"), rangemode="tozero")
    names = axis(type="category", showgrid=False, ticks="", dtick=1)
    more: dict[str, Json] = {"hovermode": "closest", "showlegend": False, "bargap": 0.3}
    return base_layout({"xaxis": gain, "yaxis": names, "margin": {"l": 8, "r": 20, "t": 8, "b": 8}, **more})


def _numbers(top: list[FeatureGain], whole: float) -> str:
    columns = [Column("Feature"), Column("Share of gain", is_number=True), Column("Meaning")]
    rows = [[one.feature, figure(one.gain / whole, Unit.PERCENT), one.meaning] for one in top]
    return table(columns, rows, caption="Features of most gain")
