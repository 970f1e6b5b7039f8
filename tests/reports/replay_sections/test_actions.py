"""Action shares by policy."""

from dataclasses import replace

from pawl.reports.replay_data import ReplayReport
from pawl.reports.replay_sections.actions import actions


def test_the_first_policy_is_drawn_and_every_policy_is_offered(replay_report: ReplayReport) -> None:
    section = actions(replay_report)
    (chart,) = section.charts
    assert [choice.name for choice in chart.choices] == ["gated", "always", "frozen"]
    assert [trace["y"] for trace in chart.traces] == list(chart.choices[0].ys)
    assert '<option value="0" selected>gated</option><option value="1">always</option>' in section.body
    assert section.body.count('<th scope="row">frozen</th>') == 24 + 1  # the months, and all of them together
    assert section.lead.startswith("gated: of 4,320 decisions, ")
    assert "; always: of 4,320 decisions, " in section.lead


def test_a_policy_that_decided_nothing_is_not_offered(replay_report: ReplayReport) -> None:
    gated, always, _ = replay_report.policies
    silent = replace(always, actions=always.actions.clear())
    (chart,) = actions(replace(replay_report, policies=(gated, silent))).charts
    assert [choice.name for choice in chart.choices] == ["gated"]
    assert actions(replace(replay_report, policies=(silent,))).lead == "No decision was handed in."
