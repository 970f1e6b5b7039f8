"""Equity of the policies, and where the alias moved."""

from dataclasses import replace

from pawl.reports.replay_data import ReplayReport
from pawl.reports.replay_sections.equity import equity


def test_every_policy_has_its_curve_and_every_move_its_mark(replay_report: ReplayReport) -> None:
    section = equity(replay_report)
    named = [trace["name"] for trace in section.charts[0].traces if trace.get("showlegend")]
    assert named == ["gated", "always", "frozen", "promoted", "rolled back"]
    by_name = {trace["name"]: trace for trace in section.charts[0].traces if trace["yaxis"] == "y3"}
    assert len(by_name["promoted"]["x"]) == 3 * 5
    assert by_name["rolled back"]["text"][0] == "m002-1.9 rolled back, 2023-12-31"
    assert "Upright lines mark where the gated policy's alias moved." in section.body


def test_the_gated_policy_keeps_its_line_whoever_stands_beside_it(replay_report: ReplayReport) -> None:
    def lines(data: ReplayReport) -> list[object]:
        return [trace["line"]["color"] for trace in equity(data).charts[0].traces if trace["yaxis"] == "y"]

    gated, _, frozen = replay_report.policies
    assert lines(replay_report) == ["var(--model)", "var(--baseline-1)", "var(--baseline-2)"]
    assert lines(replace(replay_report, policies=(gated,))) == ["var(--model)"]
    assert lines(replace(replay_report, policies=(frozen,))) == ["var(--baseline-1)"]


def test_no_move_is_said_and_no_policy_is_missing(replay_report: ReplayReport) -> None:
    still = equity(replace(replay_report, moves=()))
    assert "The alias never moved." in still.body
    ungated = equity(replace(replay_report, moves=(), policies=replay_report.policies[1:]))
    assert "alias" not in ungated.body
    assert "yaxis3" not in still.charts[0].layout
    assert equity(replace(replay_report, policies=())).lead == "No equity curve was handed in."
