"""The gate of the analyst: PASS-R29."""

import math
from collections.abc import Mapping

import pytest

from pawl.gates.analyst_gate import AnalystGateSettings, analyst_gate
from pawl.gates.figure import Figure, Unmeasured
from pawl.gates.verdict import Verdict

SERVING = {"factual_agreement": 0.9, "actionability": 0.6, "forbidden_rate": 0.02}
WORSE = {"factual_agreement": 0.8999, "actionability": 0.5999, "forbidden_rate": 0.0201}
BETTER = {"factual_agreement": 0.95, "actionability": 0.7, "forbidden_rate": 0.0}


def _judged(changed: Mapping[str, object], settings: AnalystGateSettings | None = None) -> Verdict:
    champion = {metric: Figure(value, 30) for metric, value in SERVING.items()}
    challenger = {metric: Figure(value, 30) for metric, value in BETTER.items()}
    for metric, value in changed.items():
        challenger[metric] = value if not isinstance(value, float) else Figure(value, 30)  # type: ignore[assignment]
    return analyst_gate(settings or AnalystGateSettings()).judge(champion, challenger)


def test_pass_r29_better_in_all_three_passes_and_so_does_equal() -> None:
    assert _judged({}).passed
    assert _judged(dict(SERVING)).passed


@pytest.mark.parametrize("metric", SERVING)
def test_pass_r29_each_condition_alone_fails_the_gate(metric: str) -> None:
    """PASS-R29: two better figures do not make up for one that is worse, unmeasured, impossible or hardly sampled."""
    bad: tuple[object, ...] = (
        WORSE[metric], Unmeasured("no judge"), math.nan, math.inf, -0.01, 1.01, Figure(BETTER[metric], 29)
    )  # fmt: skip
    for value in bad:
        verdict = _judged({metric: value})
        assert [row.metric for row in verdict.failures] == [metric], value
    without = {name: Figure(value, 30) for name, value in BETTER.items() if name != metric}
    champion = {name: Figure(value, 30) for name, value in SERVING.items()}
    failed = analyst_gate(AnalystGateSettings()).judge(champion, without).failures
    assert [row.metric for row in failed] == [metric]


def test_the_tolerances_are_settings() -> None:
    loose = AnalystGateSettings(factual_tolerance=0.05, actionability_tolerance=0.05, forbidden_tolerance=0.05)
    assert _judged(dict(WORSE), loose).passed
    assert {row.metric for row in _judged(dict(WORSE)).failures} == set(SERVING)
