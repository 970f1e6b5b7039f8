"""The answer of a replay, and the policies side by side."""

import math
from dataclasses import replace

from pawl.reports.gate_worth import gate_worth
from pawl.reports.replay_data import ReplayReport
from pawl.reports.replay_sections.answer import answer


def row(name: str, *cells: str) -> str:
    return f'<th scope="row">{name}</th>' + "".join(f'<td class="n">{cell}</td>' for cell in cells)


def test_the_sentence_stands_first_and_each_policy_has_its_column(replay_report: ReplayReport) -> None:
    section = answer(replay_report)
    assert section.lead == gate_worth(["gated", "always", "frozen"], replay_report.differences)
    for cells in (row("Sharpe", "1.67", "0.96", "0.24"), row("promotions", "5", "20", "1"),
                  row("refusals", "15", "0", "19"), row("rollbacks", "1", "0", "0")):  # fmt: skip
        assert cells in section.body
    hit_rates, turnovers = ("51.4 %", "50.8 %", "50.2 %"), ("14.20", "14.20", "14.20")
    assert row("hit rate", *hit_rates) in section.body and row("turnover a year", *turnovers) in section.body
    for title in ("net return", "MDD"):
        assert f'<th scope="row">{title}</th>' in section.body


def test_each_difference_carries_its_interval_and_what_it_says_of_zero(replay_report: ReplayReport) -> None:
    body = answer(replay_report).body
    assert '+0.3 bps<span class="range">−0.2 … 0.9</span>' in body
    assert '<span class="verdict even">not clear of zero</span>' in body
    assert '<span class="verdict good">clear of zero</span>' in body
    # Both are drawn on one scale, whose end is the farthest bound of the two: 1.94 bps.
    assert body.count("<svg") == 2 and body.count('x2="134.0"') == 1


def test_a_policy_alone_has_no_differences_and_a_figure_that_is_nan_is_a_dash(replay_report: ReplayReport) -> None:
    gated = replay_report.policies[0]
    alone = replace(gated, figures={**gated.figures, "sharpe": math.nan})
    body = answer(replace(replay_report, policies=(alone,), differences={})).body
    assert row("Sharpe", "–") in body
    assert "No difference between policies was measured." in body
    assert "always" not in body


def test_a_figure_that_was_not_handed_in_is_a_dash(replay_report: ReplayReport) -> None:
    bare = replace(replay_report.policies[0], figures={})
    assert row("MDD", "–") in answer(replace(replay_report, policies=(bare,))).body


def test_no_policy_at_all_is_said(replay_report: ReplayReport) -> None:
    section = answer(replace(replay_report, policies=(), differences={}, tickers=()))
    assert "No policy was handed in." in section.body
    assert "<details>" not in section.body
