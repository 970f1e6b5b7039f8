"""What the data check said of every ticker."""

from html import escape

from pawl.reports.report_data import QualityRow, QualityVerdict, ReportData
from pawl.reports.section import Column, Section, missing, table
from pawl.reports.wording import joined, moment, plural

__all__ = ["quality"]

_TITLE = "Data quality"
_FOLD_FROM = 13
_MARKS = {QualityVerdict.PASS: "good", QualityVerdict.WARN: "even", QualityVerdict.FAIL: "bad"}
_WORDS = {QualityVerdict.PASS: "clean", QualityVerdict.WARN: "with warnings", QualityVerdict.FAIL: "failing"}


def quality(data: ReportData) -> Section:
    """A table of the tickers; a long one is folded, with what failed left open above it."""
    if not data.quality:
        return missing("quality", _TITLE, "No data check was handed in.")
    found = {kind: sum(row.verdict is kind for row in data.quality) for kind in QualityVerdict}
    counts = [f"{found[kind]} {_WORDS[kind]}" for kind in QualityVerdict if found[kind]]
    quarantined = sum(row.n_quarantined for row in data.quality)
    lead = (
        f"Of {plural(len(data.quality), 'ticker')}, {joined(counts)}; {plural(quarantined, 'row')} went to quarantine. "
        "A ticker that fails is not trained on."
    )
    return Section(id="quality", title=_TITLE, lead=lead, body=_body(data.quality))


def _body(rows: tuple[QualityRow, ...]) -> str:
    if len(rows) < _FOLD_FROM:
        return _table(rows, "Data check by ticker")
    failed = tuple(row for row in rows if row.verdict is QualityVerdict.FAIL)
    above = _table(failed, "Tickers that fail the data check") if failed else ""
    whole = _table(rows, "Data check by ticker")
    return f"{above}<details><summary>All {len(rows)} tickers</summary>{whole}</details>"


def _table(rows: tuple[QualityRow, ...], caption: str) -> str:
    numbers = ("Rows", "Gaps", "Warnings", "Quarantined")
    columns = [
        Column("Ticker"),
        Column("Calendar"),
        Column("First"),
        Column("Last"),
        *(Column(title, is_number=True) for title in numbers),
        Column("Verdict", is_html=True),
    ]
    return table(columns, [_cells(row) for row in rows], caption=f"{caption}, times in UTC")


def _cells(row: QualityRow) -> list[str]:
    counts = (row.n_rows, row.n_gaps, row.n_warnings, row.n_quarantined)
    reasons = f'<span class="hint">{escape("; ".join(row.reasons))}</span>' if row.reasons else ""
    mark = f'<span class="verdict {_MARKS[row.verdict]}">{row.verdict.value}</span>{reasons}'
    return [row.ticker, row.calendar, moment(row.first), moment(row.last), *(f"{count:,}" for count in counts), mark]
