"""The timeline of versions."""

from dataclasses import replace
from datetime import timedelta

from pawl.reports.replay_data import ReplayReport
from pawl.reports.replay_sections.versions import versions


def test_the_lead_counts_verdicts_and_moves(replay_report: ReplayReport) -> None:
    assert versions(replay_report).lead == (
        "20 versions were trained: 5 passed the gate, 15 did not, most often for “net return gain, low” (15 of 15). "
        "The serving alias moved 6 times, 1 of them back."
    )


def test_each_kind_of_event_is_marked_on_the_lane_of_its_version(replay_report: ReplayReport) -> None:
    section = versions(replay_report)
    (chart,) = section.charts
    drawn = {trace["name"]: trace for trace in chart.traces}
    assert list(drawn) == ["served", "refused", "promoted", "rolled back"]
    assert drawn["promoted"]["y"] == [f"m002-1.{i}" for i in (0, 3, 4, 9, 14)]
    assert (drawn["rolled back"]["x"], drawn["rolled back"]["y"]) == (["2023-12-31"], ["m002-1.9"])
    assert len(drawn["refused"]["x"]) == 15
    assert "is not above its limit" in drawn["refused"]["text"][0].replace("<br>", " ")
    assert chart.layout["yaxis"]["categoryarray"] == [f"m002-1.{i}" for i in range(20)]


def test_the_numbers_hold_every_event_and_the_list_every_candidate(replay_report: ReplayReport) -> None:
    body = versions(replay_report).body
    log, _, rows = body.partition("<h3>")
    assert log.count('<th scope="row">') == 26
    assert "<td>rolled back</td><td>back to m002-1.4: MDD 6.1 % is over its limit of 4.6 %</td>" in log
    assert rows.count('<details class="candidate">') == 20


def test_a_version_that_passed_and_never_served_is_marked_as_that(replay_report: ReplayReport) -> None:
    section = versions(replace(replay_report, moves=()))
    assert [trace["name"] for trace in section.charts[0].traces] == ["passed the gate", "refused"]
    assert section.lead.endswith("The serving alias never moved.")
    ungated = versions(replace(replay_report, moves=(), policies=replay_report.policies[1:]))
    assert ungated.lead.endswith("No version served by the gate in this replay.")


def test_a_single_candidate_is_one_lane(replay_report: ReplayReport) -> None:
    section = versions(replace(replay_report, candidates=replay_report.candidates[:1], moves=replay_report.moves[:1]))
    assert section.lead == (
        "1 version was trained: 1 passed the gate, 0 did not. The serving alias moved 1 time, 0 of them back."
    )
    assert section.charts[0].layout["yaxis"]["categoryarray"] == ["m002-1.0"]


def test_a_version_that_only_the_moves_name_has_its_lane_too(replay_report: ReplayReport) -> None:
    move = replace(replay_report.moves[0], at=replay_report.start + timedelta(days=3), to_version="m002-0.9")
    section = versions(replace(replay_report, candidates=replay_report.candidates[:1], moves=(move,)))
    assert section.charts[0].layout["yaxis"]["categoryarray"] == ["m002-1.0", "m002-0.9"]


def test_very_many_versions_keep_the_chart_within_reason(replay_report: ReplayReport) -> None:
    first = replay_report.candidates[1]
    many = tuple(replace(first, version=f"m002-{i}.0") for i in range(104))
    (chart,) = versions(replace(replay_report, candidates=many, moves=())).charts
    assert chart.height_px < 1_000
    assert "dtick" not in chart.layout["yaxis"]


def test_no_candidate_is_said(replay_report: ReplayReport) -> None:
    assert versions(replace(replay_report, candidates=())).lead == "No version was trained."
