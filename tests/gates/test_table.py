"""The printed verdict: the answer first, then aligned figures with their units."""

import math

import pytest

from gate_cases import CASES, CHALLENGER, CHAMPION, Case
from pawl.gates.condition import Unit
from pawl.gates.figure import Figure, Measured, Unmeasured
from pawl.gates.policy_gate import GateSettings, policy_gate
from pawl.gates.reversal_gate import weekly_gate
from pawl.gates.table import WIDTH, headline, table_rows, verdict_text
from pawl.gates.verdict import Verdict

GATE = policy_gate("net_return", Unit.BPS, GateSettings())


def good(edits: dict[str, object]) -> dict[str, Measured]:
    return {name: Figure(*edit) for name, edit in edits.items() if isinstance(edit, tuple)}


def test_a_refusal_names_the_row_that_refuses_and_lines_up_the_figures() -> None:
    challenger = {**good(dict(CHALLENGER)), "max_drawdown": Figure(0.0471, 91), "ece": Figure(0.0302, 91)}
    verdict = GATE.judge(good(dict(CHAMPION)), challenger)
    assert verdict_text(verdict, "m002-1.3", "m002-1.2") == (
        """\
refused: m002-1.3 stays a challenger, m002-1.2 keeps serving.
  MDD 4.7 % is over its limit of 4.4 %.
  Challenger: ECE rests on 91 of at least 100 samples.

                         champion   challenger       limit       sample
  hit rate                 52.0 %       55.0 %    ≥ 52.0 %   400 of 100   pass
  net per decision        3.0 bps      5.0 bps   ≥ 3.0 bps   400 of 100   pass
  MDD                       4.0 %        4.7 %     ≤ 4.4 %     91 of 40   FAIL
  risk violation rate       2.0 %        1.0 %     ≤ 2.0 %   400 of 100   pass
  ECE                       0.030        0.030           –    91 of 100   FAIL
  net return gain, low                 0.5 bps   > 0.0 bps     91 of 40   pass
  deflated Sharpe                        0.800     > 0.500     91 of 40   pass"""
    )


def test_a_first_version_says_that_nothing_served() -> None:
    verdict = GATE.judge_first(good(dict(CHALLENGER)))
    assert headline(verdict, "m002-1.0", None) == (
        "passed: m002-1.0 may serve. Nothing serves yet: this version starts the series."
    )
    assert {row.outcome for row in table_rows(verdict)} == {"not compared"}


def test_a_pass_says_what_it_allows() -> None:
    verdict = GATE.judge(good(dict(CHAMPION)), good(dict(CHALLENGER)))
    assert headline(verdict, "m002-1.3", "m002-1.2") == (
        "passed: m002-1.3 may replace m002-1.2. All 7 conditions hold."
    )


def test_what_was_not_measured_is_a_dash_with_its_reason_beside_it() -> None:
    row = table_rows(GATE.judge({}, {"hit_rate": Unmeasured("no trades")}))[0]
    assert (row.champion, row.challenger, row.limit, row.sample) == ("–", "–", "–", "0 of 100")
    assert row.note == "champion: hit rate was not measured; challenger: hit rate could not be measured: no trades"


def test_figures_that_differ_never_read_as_equal() -> None:
    challenger = {**good(dict(CHALLENGER)), "hit_rate": Figure(0.51999, 400)}
    row = table_rows(GATE.judge(good(dict(CHAMPION)), challenger))[0]
    assert (row.challenger, row.limit, row.outcome) == ("51.999 %", "≥ 52.000 %", "FAIL")


LONG_NAMES = ("reversal-3.12-daily-20260102", "reversal-3.11-daily-20251231")
LOSSES = {"pnl_bps": Figure(-149.61, 12_092), "net_return_gain_low": Figure(-107.6, 91, note="interval −107.6 … 3.2")}
MANY = {name: Figure(value, 12_092) for name, value in (("n_signals", 393.0), ("sharpe_ratio", -7.1245))}


@pytest.mark.parametrize(
    "verdict",
    [
        pytest.param(GATE.judge_first(good(dict(CHALLENGER)) | LOSSES), id="a first version"),
        pytest.param(GATE.judge(good(dict(CHAMPION)), good(dict(CHALLENGER)) | LOSSES), id="large losses"),
        pytest.param(GATE.judge({}, {"hit_rate": Unmeasured("a reason of many words, " * 9)}), id="a long reason"),
        pytest.param(weekly_gate(50).judge({}, MANY), id="a weekly version"),
    ],
)
def test_a_verdict_stays_in_eighty_columns(verdict: Verdict) -> None:
    lines = verdict_text(verdict, *LONG_NAMES).splitlines()
    assert max(map(len, lines)) <= WIDTH, "\n".join(lines)


def test_a_verdict_without_a_champion_has_no_column_for_one() -> None:
    first = verdict_text(GATE.judge_first(good(dict(CHALLENGER))), "m002-1.0", None)
    weekly = verdict_text(weekly_gate(50).judge({}, MANY), "reversal-3.4", "reversal-3.3")
    assert "champion" not in first and "champion" not in weekly.partition("\n\n")[2]


def test_a_floor_that_asks_for_a_figure_alone_names_no_limit() -> None:
    rows = {row.metric: row.limit for row in table_rows(weekly_gate(50).judge({}, MANY))}
    assert (rows["sharpe ratio"], rows["win rate"], rows["n signals"]) == ("any", "any", "> 0.000")


def test_a_figure_that_is_missing_is_said_in_words() -> None:
    challenger = {**good(dict(CHALLENGER)), "hit_rate": Figure(math.nan, 0), "deflated_sharpe": Figure(math.nan, 91)}
    printed = " ".join(verdict_text(GATE.judge(good(dict(CHAMPION)), challenger), "m002-1.3", "m002-1.2").split())
    assert "Challenger: hit rate could not be computed: it rests on 0 of at least 100 samples." in printed
    assert "Challenger: deflated Sharpe could not be computed from its 91 samples." in printed


@pytest.mark.parametrize("case", [pytest.param(one, id=one.name) for one in CASES])
def test_no_verdict_prints_nan(case: Case) -> None:
    challenger = good({**CHALLENGER, **case.challenger})
    verdict = GATE.judge(good({**CHAMPION, **case.champion}), challenger)
    if case.is_first:
        verdict = GATE.judge_first(challenger)
    words = verdict_text(verdict, "m002-1.3", "m002-1.2").lower().split()
    assert not {"nan", "inf", "-inf"} & {word.strip(".;,:()") for word in words}
