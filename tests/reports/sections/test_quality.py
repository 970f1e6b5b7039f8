"""The data check by ticker."""

from dataclasses import replace

from pawl.reports.report_data import ReportData
from pawl.reports.sections.quality import quality


def test_the_verdicts_are_counted_and_the_reasons_named(report_data: ReportData) -> None:
    section = quality(report_data)
    assert section.lead == (
        "Of 6 tickers, 4 clean, 1 with warnings and 1 failing; 4 rows went to quarantine. "
        "A ticker that fails is not trained on."
    )
    assert "91 bars missing inside its listing; 4 rows with high &lt; low" in section.body
    assert "<details>" not in section.body


def test_a_long_table_is_folded_but_what_failed_stays_open(report_data: ReportData) -> None:
    rows = tuple(replace(row, ticker=f"{row.ticker}{i}") for i in range(4) for row in report_data.quality)
    above, _, folded = quality(replace(report_data, quality=rows)).body.partition("<details>")
    assert [above.count(f"SOLUSDT{i}") for i in range(4)] == [1, 1, 1, 1]
    assert "ADAUSDT0" not in above
    assert folded.startswith("<summary>All 24 tickers</summary>")
    assert all(row.ticker in folded for row in rows)
