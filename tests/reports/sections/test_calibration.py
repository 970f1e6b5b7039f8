"""The calibration curve and the counts of its bins."""

import math
from dataclasses import replace

from pawl.reports.report_data import Calibration, CalibrationBin, ReportData
from pawl.reports.sections.calibration import calibration

BINS = (
    CalibrationBin(low=0.0, high=0.5, n=30, mean_probability=0.25, hit_share=0.3),
    CalibrationBin(low=0.5, high=0.9, n=10, mean_probability=0.6, hit_share=0.5),
    CalibrationBin(low=0.9, high=1.0, n=0, mean_probability=math.nan, hit_share=math.nan),
)


def test_the_brier_score_stands_beside_that_of_the_base_rate(report_data: ReportData) -> None:
    found = Calibration(event="a < b", bins=BINS, brier=0.2, ece=0.062, base_rate=0.4)
    section = calibration(replace(report_data, calibration=found))
    assert section.lead == (
        "Over 40 predictions, the expected calibration error is 0.062 and the Brier score 0.200, "
        "where always saying the base rate of 40.0 % would give 0.240."  # 0.4 × 0.6
    )
    assert "a &lt; b" in section.body


def test_an_empty_bin_is_tabled_but_not_drawn(report_data: ReportData) -> None:
    found = Calibration(event="", bins=BINS, brier=0.2, ece=0.06, base_rate=0.35)
    section = calibration(replace(report_data, calibration=found))
    _, curve, counts = section.charts[0].traces
    assert (curve["x"], curve["y"]) == ([25.0, 60.0], [30.0, 50.0])
    assert (counts["x"], counts["y"]) == ([25.0, 70.0], [30, 10])
    assert (
        '<th scope="row">0.90 … 1.00</th><td class="n">0</td><td class="n">–</td><td class="n">–</td>' in section.body
    )
