"""Feature importance."""

from dataclasses import replace

from pawl.reports.report_data import FeatureGain, ReportData
from pawl.reports.sections.importance import importance


def test_the_largest_gain_stands_on_top_and_shares_are_of_the_whole(report_data: ReportData) -> None:
    gains = (FeatureGain(feature="a", gain=1.0), FeatureGain(feature="b", gain=3.0), FeatureGain(feature="c", gain=0.0))
    section = importance(replace(report_data, importance=gains))
    assert section.lead == "b gives 75.0 % of the gain; the 2 shown give 100.0 %, out of 3 features."
    (bars,) = section.charts[0].traces
    assert (bars["y"], bars["x"]) == (["a", "b"], [25.0, 75.0])  # Plotly draws upwards


def test_no_more_than_25_features_are_shown(report_data: ReportData) -> None:
    (bars,) = importance(report_data).charts[0].traces
    assert (len(bars["y"]), bars["y"][-1]) == (25, "feature_00")


def test_gains_of_nothing_are_said_to_be_missing(report_data: ReportData) -> None:
    section = importance(replace(report_data, importance=(FeatureGain(feature="a", gain=0.0),)))
    assert section.lead == "No feature importance was handed in."
