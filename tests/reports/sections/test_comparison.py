"""The model beside its baselines."""

import re

from pawl.reports.report_data import ReportData
from pawl.reports.sections.comparison import comparison


def test_each_baseline_has_its_table_and_each_metric_its_verdict(report_data: ReportData) -> None:
    section = comparison(report_data)
    assert section.lead.startswith(
        "Of the metrics below, against linear: 3 better, 1 worse, 2 unclear and 1 unknown; "
        "against lightgbm without regime: 7 unclear."
    )
    assert section.body.count("<table>") == 2
    row = re.search(r'<tr><th scope="row">Sharpe<.*?</tr>', section.body)
    assert row
    for part in (">better</span>", '0.81<span class="range">−0.28 … 1.87</span>', "+0.61", "0.05 … 1.20"):
        assert part in row[0]


def test_the_drawn_interval_has_zero_in_its_middle_and_stays_within_its_picture(report_data: ReportData) -> None:
    body = comparison(report_data).body
    reaches = [tuple(map(float, pair)) for pair in re.findall(r'class="reach" x1="([\d.]+)" x2="([\d.]+)"', body)]
    assert len(reaches) == 13  # 7 metrics of 2 baselines, less the one that was not measured
    assert all(6 <= low < high <= 134 for low, high in reaches)
    low, high = reaches[0]  # 0.05 … 1.20: the far end at the edge, the near one just right of the middle, 70
    assert (low, high) == (round(70 + 64 * 0.05 / 1.2, 1), 134.0)
