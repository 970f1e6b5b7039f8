"""What is stored of a verdict says the same as what was judged."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_cases import CHALLENGER, CHAMPION
from pawl.errors import CorruptArtifactError
from pawl.gates.condition import Unit
from pawl.gates.figure import Figure, Measured, PairedDifference, Unmeasured
from pawl.gates.policy_gate import GateSettings, paired_figures, policy_gate
from pawl.gates.verdict import Verdict
from pawl.gates.verdict_json import verdict_from_json, verdict_to_json

GATE = policy_gate("net_return", Unit.BPS, GateSettings())
words = st.text("abc ö%", max_size=9)  # all of Unicode takes seconds to load
measured = st.builds(Figure, st.floats(allow_nan=False), st.integers(0, 10**6), words) | st.builds(Unmeasured, words)


def figures(names: list[str]) -> st.SearchStrategy[dict[str, Measured]]:
    return st.dictionaries(st.sampled_from(names), measured)


@given(figures(list(CHAMPION)), figures(list(CHALLENGER)), st.booleans())
def test_a_verdict_survives_its_json(
    champion: dict[str, Measured], challenger: dict[str, Measured], is_first: bool
) -> None:
    verdict = GATE.judge_first(challenger) if is_first else GATE.judge(champion, challenger)
    stored = json.dumps(verdict_to_json(verdict), allow_nan=False)
    assert verdict_from_json(json.loads(stored)) == verdict


def test_nan_is_kept_in_the_record() -> None:
    verdict = GATE.judge({}, {"ece": Figure(math.nan, 10)})
    row = verdict_from_json(json.loads(json.dumps(verdict_to_json(verdict)))).rows[4]
    assert isinstance(row.challenger, Figure)
    assert math.isnan(row.challenger.value)


def test_a_verdict_whose_rows_contradict_its_result_is_damaged() -> None:
    stored = verdict_to_json(GATE.judge({}, {}))
    with pytest.raises(CorruptArtifactError, match="something else"):
        verdict_from_json({**stored, "passed": True})


@pytest.mark.parametrize("broken", [{}, {"rows": [{}]}, {"rows": None}, {"rows": [], "gate": "x"}])
def test_what_is_no_verdict_is_damaged(broken: dict[str, object]) -> None:
    with pytest.raises(CorruptArtifactError, match="cannot be read"):
        verdict_from_json(broken)


def test_an_empty_verdict_says_why_it_does_not_pass() -> None:
    assert Verdict(gate="x", rows=(), is_first=False).reasons == (
        "the gate has no rows, and nothing passes unmeasured",
    )


def test_a_verdict_says_in_words_why_there_is_no_interval() -> None:
    difference = PairedDifference(mean=math.nan, low=math.nan, high=math.nan, n_days=91)
    verdict = GATE.judge({}, paired_figures("net_return", difference))
    stored = {row["requirement"]["metric"]: row for row in verdict_to_json(verdict)["rows"]}
    gain = stored["net_return_gain_low"]
    assert gain["challenger"]["note"] == "interval could not be computed from its 91 samples"
    assert "nan" not in gain["reason"]
