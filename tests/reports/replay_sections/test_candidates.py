"""The candidates as rows that open to the table of their gate."""

from dataclasses import replace

from opened_report import EVIL
from pawl.gates.figure import Figure, Unmeasured
from pawl.gates.table import table_rows
from pawl.reports.replay_data import CandidateFacts, ReplayReport
from pawl.reports.replay_sections.candidates import candidate_list
from synthetic_replay import judged


def refused(data: ReplayReport, **worse: Figure | Unmeasured) -> CandidateFacts:
    """The second candidate, refused for these figures."""
    return replace(data.candidates[1], verdict=judged(**worse))


def test_a_row_says_what_it_was_trained_on_and_against_whom_it_was_measured(replay_report: ReplayReport) -> None:
    html = candidate_list([refused(replay_report, ece=Figure(0.05, 412))])
    assert html.count('<details class="candidate"><summary class="row">') == 1
    for label, value in (("Version", "<strong>m002-1.1</strong>"), ("Trained at", "2023-02-08"),
                         ("Has read up to", "2023-02-07"), ("Measured against", "m002-1.0"),
                         ("Verdict", '<span class="verdict bad">refused</span>'),
                         ("Reasons", '<span class="reasons">ECE 0.050 is over its limit of 0.021</span>')):  # fmt: skip
        assert f'<span class="label">{label}</span> {value}</span>' in html


def test_a_row_opens_to_every_requirement_of_the_gate(replay_report: ReplayReport) -> None:
    one = refused(replay_report, max_drawdown=Figure(0.0471, 91))
    html = candidate_list([one])
    cells = "".join(f'<td class="n">{cell}</td>' for cell in ("4.2 %", "4.7 %", "≤ 4.6 %", "91 of 40"))
    assert f'<span class="verdict bad">MDD</span></th>{cells}<td><span class="verdict bad">FAIL</span>' in html
    assert '<th scope="row">net per decision</th>' in html
    assert html.count('<span class="verdict good">pass</span>') == len(table_rows(one.verdict)) - 1 == 6
    assert one.dataset_hash in html


def test_the_first_version_is_not_compared(replay_report: ReplayReport) -> None:
    html = candidate_list(replay_report.candidates[:1])
    assert "nothing served" in html
    assert html.count('<span class="verdict even">not compared</span>') == 7
    assert '<span class="verdict good">passed</span>' in html


def test_figures_that_were_not_measured_are_dashes_and_hostile_text_is_escaped(replay_report: ReplayReport) -> None:
    one = refused(replay_report, ece=Figure(float("nan"), 412), hit_rate=Unmeasured(EVIL))
    html = candidate_list([replace(one, version=EVIL, champion=EVIL, dataset_hash=EVIL)])
    assert "<script" not in html and "<img" not in html
    assert '<td class="n">0.021</td><td class="n">–</td><td class="n">–</td><td class="n">412 of 100</td>' in html
