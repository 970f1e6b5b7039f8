"""Calibration over time."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from opened_report import EVIL
from pawl.reports.replay_data import ReplayReport
from pawl.reports.replay_sections.calibration import calibration


@pytest.fixture
def three_spans(replay_report: ReplayReport) -> ReplayReport:
    """One policy with a scored span, one in which nothing was scored, and a last one."""
    begins = [replay_report.start + i * timedelta(days=10) for i in range(3)]
    spans = pl.DataFrame(
        {
            "begin": begins,
            "n": [100, 0, 50],
            "ece": [0.02, None, 0.06],
            "brier": [0.2, None, 0.22],
            "base_rate": [0.3, None, 0.4],
        }
    )
    policy = replace(replay_report.policies[0], calibration=spans)
    return replace(replay_report, policies=(policy,), end=begins[2] + timedelta(days=10))


def test_a_span_is_a_step_and_one_without_a_score_is_a_gap(three_spans: ReplayReport) -> None:
    section = calibration(three_spans)
    (trace,) = section.charts[0].traces
    assert trace["y"] == [0.02, 0.02, None, None, 0.06, 0.06]
    assert trace["x"] == ["2023-01-02", "2023-01-12", "2023-01-12", "2023-01-22", "2023-01-22", "2023-02-01"]
    assert "connectgaps" not in trace
    assert trace["customdata"][0] == "n = 100, from 2023-01-02 to 2023-01-12"
    assert section.lead == (
        "The expected calibration error of the median span and of the worst: 0.040 and 0.060 for gated. "
        "In 1 of 3 spans of all policies nothing was scored: the line has a gap."
    )


def test_a_span_of_no_rows_is_a_gap_even_where_a_figure_stands(three_spans: ReplayReport) -> None:
    (policy,) = three_spans.policies
    filled = replace(policy, calibration=policy.calibration.with_columns(pl.lit(0.9).alias("ece")))
    section = calibration(replace(three_spans, policies=(filled,)))
    assert section.charts[0].traces[0]["y"][2:4] == [None, None]


def test_brier_and_base_rate_stand_in_the_numbers(three_spans: ReplayReport) -> None:
    body = calibration(three_spans).body
    for n, *figures in (("100", "0.020", "0.200", "30.0 %"), ("0", "–", "–", "–")):
        cells = "".join(f'<td class="n">{cell}</td>' for cell in (n, *figures))
        assert f"<td>gated</td>{cells}" in body


def test_what_is_foreseen_is_said_and_escaped(three_spans: ReplayReport) -> None:
    body = calibration(replace(three_spans, foresees=EVIL)).body
    assert "<img" not in body and "&lt;img" in body


def test_each_policy_has_its_own_line(replay_report: ReplayReport) -> None:
    traces = calibration(replay_report).charts[0].traces
    assert [trace["name"] for trace in traces] == ["gated", "always", "frozen"]
    assert len({trace["line"]["dash"] for trace in traces}) == 3


def test_nothing_scored_is_said(three_spans: ReplayReport) -> None:
    (policy,) = three_spans.policies
    nothing = replace(policy, calibration=policy.calibration.with_columns(pl.lit(0).alias("n")))
    for policies in ((nothing,), ()):
        section = calibration(replace(three_spans, policies=policies))
        assert section.lead == "No probability was scored against its outcome, so calibration is unknown."
