"""The answer, its cards and its certificate."""

from dataclasses import replace

from pawl.reports.answer import answer
from pawl.reports.report_data import ReportData
from pawl.reports.sections.headline import headline


def test_the_answer_leads_and_the_cards_carry_units_and_intervals(report_data: ReportData) -> None:
    section = headline(report_data)
    assert section.lead == answer(report_data)
    assert '<dt>Net return</dt><dd class="value">18.4 %</dd><dd class="range">−6.2 … 43.1</dd>' in section.body
    assert '<dt>Turnover of capital a year</dt><dd class="value">14.2 ×</dd></div>' in section.body
    assert '<dt>Trades</dt><dd class="value">612</dd></div>' in section.body
    assert "from <time>2024-01-15</time> up to, not including, <time>2025-09-01</time>" in section.body


def test_the_certificate_lists_everything_it_vouches_for(report_data: ReportData) -> None:
    body = headline(report_data).body
    for fact in ("sha256:9f2c", "2023-12-31 UTC", "2024-01-06 UTC", "<dd>2024-01-12</dd>", "<dd>7</dd>",
                 "pawl 0.1.0 (8e85615)", "lightgbm 4.7.0, polars 2.1.0, torch 2.13.0"):  # fmt: skip
        assert fact in body
    assert "carries no certificate" in headline(replace(report_data, certificate=None)).body
