"""A verdict as text: the answer first, then champion, challenger and limit in aligned columns."""

from dataclasses import dataclass

from pawl.gates.condition import Floor
from pawl.gates.figure import Figure, Measured
from pawl.gates.verdict import Outcome, Row, Verdict
from pawl.gates.wording import NOTHING, figure_text, title

__all__ = ["HEADER", "TableRow", "headline", "table_rows", "verdict_text"]

HEADER = ("", "champion", "challenger", "limit", "sample", "")


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
    reasons = "; ".join(verdict.reasons)
    if not verdict.passed:
        stays = f"{champion} keeps serving" if champion is not None else "nothing serves"
        return f"refused: {challenger} stays a challenger, {stays}. {_sentence(reasons)}"
    over = f"may replace {champion}" if champion is not None else "may serve"
    return f"passed: {challenger} {over}. {_sentence(reasons)}"


def verdict_text(verdict: Verdict, challenger: str, champion: str | None) -> str:
    """Headline and table. challenger and champion: their versions; None where nothing serves."""
    rows = [HEADER, *(row.cells for row in table_rows(verdict))]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(HEADER))]
    return "\n".join([headline(verdict, challenger, champion), *(_line(cells, widths) for cells in rows)])


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    name, *figures, outcome = cells
    aligned = [figure.rjust(width) for figure, width in zip(figures, widths[1:-1], strict=True)]
    return ("  " + "   ".join([name.ljust(widths[0]), *aligned, outcome])).rstrip()


def _table_row(row: Row) -> TableRow:
    one, limit = row.requirement, row.limit
    value = row.challenger.value if isinstance(row.challenger, Figure) else None
    return TableRow(
        metric=title(row.metric),
        champion="" if isinstance(one, Floor) else _shown(row, row.champion, near=None),
        challenger=_shown(row, row.challenger, near=limit),
        limit=NOTHING if limit is None else f"{one.sign} {figure_text(limit, one.unit, apart_from=value)}",
        sample=f"{row.challenger.n if isinstance(row.challenger, Figure) else 0} of {one.min_sample}",
        outcome="FAIL" if row.outcome is Outcome.FAIL else row.outcome.value,
        note=row.reason,
    )


def _shown(row: Row, measured: Measured | None, *, near: float | None) -> str:
    if not isinstance(measured, Figure):
        return NOTHING
    return figure_text(measured.value, row.requirement.unit, apart_from=near)


def _sentence(reasons: str) -> str:
    return f"{reasons[0].upper()}{reasons[1:]}." if reasons else ""
