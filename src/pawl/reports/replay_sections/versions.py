"""The versions over time: trained, refused and why, promoted, rolled back; and the gate of each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from textwrap import wrap

from pawl.gates.wording import title
from pawl.reports.chart_style import axis, base_layout, label
from pawl.reports.replay_data import CandidateFacts, ReplayReport
from pawl.reports.replay_sections.candidates import candidate_list
from pawl.reports.replay_sections.history import Event, EventKind, Serving, events, servings
from pawl.reports.section import Chart, Column, Json, Section, missing, table, with_table
from pawl.reports.wording import moment, plural

__all__ = ["versions"]

_TITLE = "Versions"
_NAMED_LANES = 40
"""More versions than these get thinner lanes, and only some of them their name on the axis."""
_MARKS = {
    EventKind.PASSED: ("circle", "var(--good)", 9),
    EventKind.REFUSED: ("x", "var(--bad)", 8),
    EventKind.PROMOTED: ("triangle-up", "var(--good)", 13),
    EventKind.ROLLED_BACK: ("triangle-down", "var(--bad)", 13),
}


def versions(data: ReplayReport) -> Section:
    """A lane a version with what became of it, and below it the gate table of each, a click away."""
    if not data.candidates:
        return missing("versions", _TITLE, "No version was trained.")
    lead = _lead(data)
    happened = events(data)
    marked = [event for event in happened if not _is_promoted_at_once(event, happened)]
    served = servings(data.moves, data.end)
    lanes = list(dict.fromkeys([*(one.version for one in data.candidates), *(one.version for one in happened)]))
    height = 20 * len(lanes) if len(lanes) <= _NAMED_LANES else max(20 * _NAMED_LANES, 8 * len(lanes))
    chart = Chart(
        id="chart-versions",
        label=f"Timeline with a lane for each version. {lead}",
        traces=[*_serving_traces(served), *(_mark(kind, marked) for kind in _kinds(marked))],
        layout=_layout(lanes),
        height_px=110 + height,
    )
    hint = '<p class="aside">A click on a version opens the table of its gate. Times are in UTC.</p>'
    body = with_table(chart, _log(happened)) + "<h3>The verdict on each</h3>" + hint + candidate_list(data.candidates)
    return Section(id="versions", title=_TITLE, lead=lead, body=body, charts=(chart,))


def _lead(data: ReplayReport) -> str:
    n = len(data.candidates)
    refused = [one for one in data.candidates if not one.verdict.passed]
    trained = f"{plural(n, 'version')} {'was' if n == 1 else 'were'} trained"
    verdicts = f"{n - len(refused)} passed the gate, {len(refused)} did not{_most_often(refused)}"
    backward = sum(move.what == "rollback" for move in data.moves)
    moved = f"The serving alias moved {plural(len(data.moves), 'time')}, {backward} of them back."
    if not data.moves:
        moved = "The serving alias never moved." if data.has_gated else "No version served by the gate in this replay."
    return f"{trained}: {verdicts}. {moved}"


def _most_often(refused: Sequence[CandidateFacts]) -> str:
    failed = Counter(row.metric for one in refused for row in one.verdict.failures)
    if not failed:
        return ""
    metric, count = failed.most_common(1)[0]
    return f", most often for “{title(metric)}” ({count} of {len(refused)})"


def _is_promoted_at_once(event: Event, happened: Sequence[Event]) -> bool:
    """Whether the mark of its promotion lies where the mark of a verdict would."""
    return event.kind is EventKind.PASSED and any(
        (other.kind, other.version, other.at) == (EventKind.PROMOTED, event.version, event.at) for other in happened
    )


def _kinds(happened: Sequence[Event]) -> list[EventKind]:
    seen = {event.kind for event in happened}
    return [kind for kind in EventKind if kind in seen]


def _serving_traces(served: Sequence[Serving]) -> list[Json]:
    if not served:
        return []
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "served",
            "x": [x for one in served for x in (moment(one.start), moment(one.end), None)],
            "y": [y for one in served for y in (label(one.version), label(one.version), None)],
            "line": {"color": "var(--model)", "width": 10},
            "opacity": 0.35,
            "hoverinfo": "skip",
        }
    ]


def _mark(kind: EventKind, happened: Sequence[Event]) -> dict[str, Json]:
    symbol, colour, size = _MARKS[kind]
    mine = [event for event in happened if event.kind is kind]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": kind.value,
        "x": [moment(event.at) for event in mine],
        "y": [label(event.version) for event in mine],
        "text": ["<br>".join(label(line) for line in wrap(event.why, 56)) for event in mine],
        "marker": {"symbol": symbol, "color": colour, "size": size, "opacity": 1, "line": {"width": 0}},
        "cliponaxis": False,
        "hovertemplate": f"%{{y}} {kind.value}, %{{x}}<br>%{{text}}<extra></extra>",
    }


def _layout(lanes: Sequence[str]) -> Mapping[str, Json]:
    names: dict[str, Json] = {"type": "category", "categoryarray": [label(lane) for lane in lanes], "ticks": ""}
    step: dict[str, Json] = {"dtick": 1} if len(lanes) <= _NAMED_LANES else {}
    edges: list[Json] = [len(lanes) - 0.4, -0.6]  # the first version on top
    lane_axis = axis(**names, **step, range=edges, zeroline=False)
    time_axis = axis(type="date", showgrid=True, hoverformat="%Y-%m-%d")
    return base_layout({"xaxis": time_axis, "yaxis": lane_axis, "hovermode": "closest"})


def _log(happened: Sequence[Event]) -> str:
    columns = [Column("At"), Column("Version"), Column("What"), Column("Why")]
    rows = [[moment(event.at), event.version, event.kind.value, event.why] for event in happened]
    return table(columns, rows, caption="Every verdict and every move of the alias, times in UTC")
