"""The gate fails closed, row by row, and equality passes."""

import re
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from gate_cases import CASES, CHALLENGER, CHAMPION, CHECKS, FIVE, Case, failing
from pawl.errors import SettingsError
from pawl.gates import condition, figure, policy_gate, verdict
from pawl.gates.condition import Absolute, Condition, Direction, Floor, Relative
from pawl.gates.gate import Gate

GATES = SimpleNamespace(**vars(condition) | vars(figure) | vars(verdict) | vars(policy_gate))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_the_gate_names_what_fails_and_nothing_else(case: Case) -> None:
    failed, reasons = failing(case, GATES)
    assert failed == case.fails
    assert re.search(case.because, reasons, re.DOTALL)


@pytest.mark.parametrize("metric", FIVE)
def test_pass_r28_each_condition_alone_can_fail_the_gate_and_equality_passes(metric: str) -> None:
    worse = next(case for case in CASES if case.name == f"{metric} worse")
    equal = next(case for case in CASES if case.name == f"{metric} equal")
    assert failing(worse, GATES)[0] == {metric}
    assert failing(equal, GATES)[0] == frozenset()


@pytest.mark.parametrize(
    ("side", "metric"),
    [("champion", metric) for metric in CHAMPION] + [("challenger", metric) for metric in CHALLENGER],
)
def test_pass_r30_a_missing_nan_or_undersampled_metric_gives_fail(side: str, metric: str) -> None:
    for how in ("absent", "NaN", "infinite", "under-sampled", "an error"):
        case = next(case for case in CASES if case.name == f"{side}: {metric} {how}")
        assert failing(case, GATES)[0] == {metric}, case.name


@pytest.mark.parametrize("check", [pytest.param(check, id=check.__name__) for check in CHECKS])
def test_the_parts_of_the_gate_keep_their_word(check: Callable[[SimpleNamespace], None]) -> None:
    check(GATES)


def test_a_gate_without_rows_or_with_one_metric_twice_is_refused() -> None:
    row = Floor(metric="m", above=0.0, min_sample=1)
    with pytest.raises(SettingsError, match="judges nothing"):
        Gate("empty", ())
    with pytest.raises(SettingsError, match="each metric once"):
        Gate("double", (row, row))


def test_a_tolerance_or_sample_that_makes_no_sense_is_refused() -> None:
    for amount in (-0.1, float("nan"), float("inf")):
        with pytest.raises(SettingsError, match="tolerance"):
            Absolute(amount)
        with pytest.raises(SettingsError, match="tolerance"):
            Relative(0.1, at_zero=amount)
    with pytest.raises(SettingsError, match="0 samples"):
        Condition(metric="m", direction=Direction.LOWER, tolerance=Absolute(), min_sample=0)
    with pytest.raises(SettingsError, match="floor"):
        Floor(metric="m", above=float("nan"), min_sample=1)
