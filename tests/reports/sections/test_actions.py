"""Shares of long, short and flat."""

from dataclasses import replace
from datetime import date

import polars as pl

from pawl.reports.report_data import ActionCounts, ReportData
from pawl.reports.sections.actions import actions


def test_shares_are_of_all_decisions_of_the_month_and_overall(report_data: ReportData) -> None:
    frame = pl.DataFrame(
        {
            "month": [date(2024, 1, 1), date(2024, 2, 1)],
            "n_long": [10, 30],
            "n_short": [10, 0],
            "n_flat": [20, 30],
        }
    )
    section = actions(replace(report_data, actions=ActionCounts(frame)))
    assert section.lead == "Of 100 decisions, 40.0 % were long, 10.0 % were short and 50.0 % were flat."
    assert [trace["y"] for trace in section.charts[0].traces] == [[25.0, 50.0], [25.0, 0.0], [50.0, 50.0]]
    cells = "".join(f'<td class="n">{cell}</td>' for cell in ("60", "50.0 %", "0.0 %", "50.0 %"))
    assert f'<th scope="row">2024-02</th>{cells}' in section.body


def test_a_month_without_a_decision_has_no_share(report_data: ReportData) -> None:
    frame = pl.DataFrame({"month": [date(2024, 1, 1)], "n_long": [0], "n_short": [0], "n_flat": [0]})
    section = actions(replace(report_data, actions=ActionCounts(frame)))
    assert section.lead == "Of 0 decisions, – were long, – were short and – were flat."
    assert section.charts[0].traces[0]["y"] == [None]
