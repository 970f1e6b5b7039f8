"""Equity and drawdown of a report."""

from pawl.reports.report_data import ReportData
from pawl.reports.sections.equity import equity


def test_the_curves_differ_by_more_than_their_colour(report_data: ReportData) -> None:
    lines = [trace["line"] for trace in equity(report_data).charts[0].traces if trace["yaxis"] == "y"]
    assert len({(line["dash"], line["width"]) for line in lines}) == len(lines) == 4


def test_a_benchmark_is_hidden_at_first_so_that_it_does_not_flatten_the_others(report_data: ReportData) -> None:
    section = equity(report_data)
    hidden = {trace["name"] for trace in section.charts[0].traces if trace.get("visible") == "legendonly"}
    assert hidden == {"buy and hold, equal weight"}
    assert "The benchmark is hidden at first." in section.body
