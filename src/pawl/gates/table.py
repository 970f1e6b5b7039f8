"""A verdict as text: the answer first, then champion, challenger and limit in aligned columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from pawl.gates.condition import Floor, Requirement
from pawl.gates.figure import Figure, Measured
from pawl.gates.verdict import Outcome, Row, Verdict
from pawl.gates.wording import NOTHING, figure_text, title

__all__ = ["HEADER", "TableRow", "headline", "table_rows", "verdict_text"]

HEADER = ("", "champion", "challenger", "limit", "sample", "")
CHAMPION = HEADER.index("champion")

WIDTH = 80
"""Columns of a terminal as it opens."""

GAPS = (3, 2, 1)
"""Between the columns of the table: the widest that fits; figures are never cut."""

BOUNDLESS = -1e6
"""A floor this low is no limit: it asks that there is a figure, whatever it is."""

ANY_FIGURE = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row of the table, as it is printed. sample: the challenger's, and what was asked for. note: the reason."""

    metric: str
    champion: str
    challenger: str
    limit: str
    sample: str
    outcome: str
    note: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells under HEADER."""
        return (self.metric, self.champion, self.challenger, self.limit, self.sample, self.outcome)


def table_rows(verdict: Verdict) -> list[TableRow]:
    """The rows of a verdict as text; FAIL in capitals, so that it is seen without colour."""
    return [_table_row(row) for row in verdict.rows]


def headline(verdict: Verdict, challenger: str, champion: str | None) -> str:
    """The answer in one sentence, with the reason of each failing row."""
    return f"{_answer(verdict, challenger, champion)} {_sentence('; '.join(verdict.reasons))}".rstrip()


def verdict_text(verdict: Verdict, challenger: str, champion: str | None) -> str:
    """The answer, the reason of each failing row on a line of its own, and the table: in 80 columns, but where a row of
    figures is wider than that. challenger and champion: their versions; None where nothing serves.
    """
    if verdict.passed:
        return "\n".join([*_wrapped(headline(verdict, challenger, champion), ""), *_table(verdict)])
    reasons = [line for reason in verdict.reasons for line in _wrapped(_sentence(reason), "  ")]
    return "\n".join([*_wrapped(_answer(verdict, challenger, champion), ""), *reasons, "", *_table(verdict)])


def _answer(verdict: Verdict, challenger: str, champion: str | None) -> str:
    if not verdict.passed:
        stays = f"{champion} keeps serving" if champion is not None else "nothing serves"
        return f"refused: {challenger} stays a challenger, {stays}."
    return f"passed: {challenger} {f'may replace {champion}' if champion is not None else 'may serve'}."


def _wrapped(text: str, indent: str) -> list[str]:
    # A version's name has hyphens, and is no word to be broken.
    return wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)


def _table(verdict: Verdict) -> list[str]:
    rows = [HEADER, *(row.cells for row in table_rows(verdict))]
    if verdict.is_first or not any(cells[CHAMPION] for cells in rows[1:]):
        # No champion was asked for: its column would be empty.
        rows = [(*cells[:CHAMPION], *cells[CHAMPION + 1 :]) for cells in rows]
    tables = [_aligned(rows, gap) for gap in GAPS]
    return next((lines for lines in tables if max(map(len, lines)) <= WIDTH), tables[-1])


def _aligned(rows: Sequence[Sequence[str]], gap: int) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *figures, outcome in rows:
        aligned = [figure.rjust(width) for figure, width in zip(figures, widths[1:-1], strict=True)]
        lines.append(("  " + (" " * gap).join([name.ljust(widths[0]), *aligned, outcome])).rstrip())
    return lines


def _table_row(row: Row) -> TableRow:
    one, limit = row.requirement, row.limit
    value = row.challenger.value if isinstance(row.challenger, Figure) else None
    return TableRow(
        metric=title(row.metric),
        champion="" if isinstance(one, Floor) else _shown(row, row.champion, near=None),
        challenger=_shown(row, row.challenger, near=limit),
        limit=_limit(one, limit, value),
        sample=f"{row.challenger.n if isinstance(row.challenger, Figure) else 0} of {one.min_sample}",
        outcome="FAIL" if row.outcome is Outcome.FAIL else row.outcome.value,
        note=row.reason,
    )


def _limit(one: Requirement, limit: float | None, value: float | None) -> str:
    if limit is None:
        return NOTHING
    if isinstance(one, Floor) and limit < max(one.domain.low, BOUNDLESS):
        return ANY_FIGURE
    return f"{one.sign} {figure_text(limit, one.unit, apart_from=value)}"


def _shown(row: Row, measured: Measured | None, *, near: float | None) -> str:
    if not isinstance(measured, Figure):
        return NOTHING
    return figure_text(measured.value, row.requirement.unit, apart_from=near)


def _sentence(reasons: str) -> str:
    return f"{reasons[0].upper()}{reasons[1:]}." if reasons else ""
