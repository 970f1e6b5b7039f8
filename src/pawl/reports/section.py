"""The parts of a page: a chart as plain data, a table, and the section that holds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TypeAlias

__all__ = ["Chart", "Choice", "Column", "Json", "Section", "missing", "picker", "table", "with_table"]

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | float | bool | None"
"""What goes into the page's data block. NaN and infinity become null there."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Another set of values for a chart's traces: one x for all, one y a trace."""

    name: str
    x: Sequence[Json]
    ys: Sequence[Sequence[Json]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A Plotly figure as data. Colours are written `var(--name)` and follow the page's light or dark scheme.

    label: what a screen reader says in the chart's place. height_px: of the drawing. choices: what a drop-down beside
    the chart offers; Text that comes from data must be escaped:
    Plotly reads tags in it.
    """

    id: str
    label: str
    traces: Sequence[Json]
    layout: Mapping[str, Json]
    height_px: int = 360
    choices: Sequence[Choice] = ()

    def html(self) -> str:
        """The place the chart is drawn in."""
        return (
            f'<div class="chart" id="{escape(self.id)}" role="img" aria-label="{escape(self.label)}" '
            f'style="height:{self.height_px}px"></div>'
        )

    def spec(self) -> Json:
        """What the page's script draws it from."""
        choices: list[Json] = [{"name": one.name, "x": one.x, "ys": one.ys} for one in self.choices]
        return {"id": self.id, "traces": self.traces, "layout": self.layout, "choices": choices}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the page. id: its anchor. lead: its first sentence, plain text. body: HTML, already escaped."""

    id: str
    title: str
    lead: str
    body: str
    charts: tuple[Chart, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. is_number: set right-aligned, in figures of one width. is_html: its cells are markup.
    is_prose: its cells are sentences, which flow over lines.
    """

    title: str
    is_number: bool = False
    is_html: bool = False
    is_prose: bool = False


def missing(section_id: str, title: str, sentence: str) -> Section:
    """A section whose data is absent: it stands, and says so."""
    return Section(id=section_id, title=title, lead=sentence, body='<p class="absent">Nothing to show here.</p>')


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, caption: str) -> str:
    """A table that scrolls sideways where it must. The first column is the row's heading; plain cells are escaped."""
    head = "".join(f'<th scope="col"{_kind(column)}>{escape(column.title)}</th>' for column in columns)
    body = "".join(f"<tr>{_cells(columns, row)}</tr>" for row in rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def picker(chart: Chart, title: str, shown: Choice) -> str:
    """The drop-down that sets what a chart shows, one option for each of its choices. title: what is chosen among."""
    options = "".join(
        f'<option value="{i}"{" selected" if one is shown else ""}>{escape(one.name)}</option>'
        for i, one in enumerate(chart.choices)
    )
    select = f'<select data-chart="{escape(chart.id)}">{options}</select>'
    return f'<p class="picker"><label>{escape(title)} {select}</label></p>'


def with_table(chart: Chart, numbers: str) -> str:
    """A chart with its numbers folded under it, for who cannot see it or wants them."""
    return f'<figure>{chart.html()}<details class="numbers"><summary>The numbers</summary>{numbers}</details></figure>'


def _kind(column: Column) -> str:
    if column.is_prose:
        return ' class="prose"'
    return ' class="n"' if column.is_number else ""


def _cells(columns: Sequence[Column], row: Sequence[str]) -> str:
    cells = []
    for i, (column, cell) in enumerate(zip(columns, row, strict=True)):
        text = cell if column.is_html else escape(cell)
        cells.append(f'<th scope="row">{text}</th>' if i == 0 else f"<td{_kind(column)}>{text}</td>")
    return "".join(cells)
