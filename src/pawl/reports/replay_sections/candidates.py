"""The candidates as rows, each of which opens to the full table of its gate."""

from collections.abc import Sequence
from html import escape

from pawl.gates.table import TableRow, table_rows
from pawl.gates.verdict import Outcome
from pawl.reports.replay_data import CandidateFacts
from pawl.reports.section import Column, table
from pawl.reports.wording import moment

__all__ = ["candidate_list"]

_TITLES = ("Version", "Trained at", "Has read up to", "Measured against", "Verdict", "Reasons")
_MARKS = {Outcome.PASS.value: "good", "FAIL": "bad", Outcome.NOT_COMPARED.value: "even"}


def candidate_list(candidates: Sequence[CandidateFacts]) -> str:
    """A heading and a row a candidate. A row is a <details>: it opens by mouse and keyboard, without a script."""
    # Every row repeats the headings: narrow windows show them there, and a screen reader reads them.
    heading = "".join(f"<span>{title}</span>" for title in _TITLES)
    rows = "".join(_candidate(one) for one in candidates)
    return f'<div class="candidates"><div class="row heading" aria-hidden="true">{heading}</div>{rows}</div>'


def _candidate(one: CandidateFacts) -> str:
    word, mark = ("passed", "good") if one.verdict.passed else ("refused", "bad")
    values = (
        f"<strong>{escape(one.version)}</strong>",
        moment(one.trained_at),
        moment(one.max_t1),
        escape(one.champion or "nothing served"),
        f'<span class="verdict {mark}">{word}</span>',
        f'<span class="reasons">{escape("; ".join(one.verdict.reasons))}</span>',
    )
    cells = "".join(
        f'<span class="cell"><span class="label">{title}</span> {value}</span>'
        for title, value in zip(_TITLES, values, strict=True)
    )
    read = f'<p class="aside">Dataset hash {escape(one.dataset_hash)}</p>'
    return f'<details class="candidate"><summary class="row">{cells}</summary>{_gate(one)}{read}</details>'


def _gate(one: CandidateFacts) -> str:
    numbers = (Column(title, is_number=True) for title in ("Champion", "Challenger", "Limit", "Sample"))
    columns = [Column("Metric", is_html=True), *numbers, Column("Outcome", is_html=True)]
    beside = f"beside {one.champion}" if one.champion else "alone, as nothing served"
    caption = f"Gate {one.verdict.gate}: {one.version} {beside}"
    return table(columns, [_row(row) for row in table_rows(one.verdict)], caption=caption)


def _row(row: TableRow) -> list[str]:
    note = f'<span class="hint">{escape(row.note)}</span>' if row.note else ""
    mark = _MARKS[row.outcome]
    # A narrow window hides the last column at first: what fails is seen in the first one, too.
    metric = f'<span class="verdict bad">{escape(row.metric)}</span>' if mark == "bad" else escape(row.metric)
    return [metric, *row.cells[1:-1], f'<span class="verdict {mark}">{escape(row.outcome)}</span>{note}']
