"""Which label a finished outcome gives, and that nothing but a finished one gives any."""

from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pawl.errors import InputError
from pawl.ledger.decision_tables import LABEL_QUALITIES
from pawl.policy.label_quality import LabelQuality, LabelSettings, label_quality

SETTINGS = LabelSettings(good_from=10.0, bad_below=-5.0)
utilities = st.one_of(st.none(), st.floats())


def test_pass_r9_the_values_are_those_of_the_column_and_no_fifth() -> None:
    assert tuple(LabelQuality) == LABEL_QUALITIES
    with pytest.raises(ValueError, match="fair"):
        LabelQuality("fair")


@given(utilities, st.integers(0, 5), st.booleans())
def test_pass_r9_nothing_but_a_final_outcome_leaves_pending(
    utility: float | None, violations: int, conflicted: bool
) -> None:
    found = label_quality(utility, violations, SETTINGS, is_final=False, is_conflicted=conflicted)
    assert found is LabelQuality.PENDING


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 5), st.booleans())
def test_pass_r9_every_final_outcome_leaves_pending(utility: float, violations: int, conflicted: bool) -> None:
    found = label_quality(utility, violations, SETTINGS, is_final=True, is_conflicted=conflicted)
    assert found is not LabelQuality.PENDING


@pytest.mark.parametrize(
    ("utility", "violations", "expected"),
    [
        (10.0, 0, "good"),
        (9.9999, 0, "ambiguous"),
        (-5.0, 0, "ambiguous"),
        (-5.0001, 0, "bad"),
        (500.0, 1, "bad"),
        (0.0, 1, "bad"),
    ],
)
def test_a_label_follows_the_thresholds_and_any_violation_is_bad(
    utility: float, violations: int, expected: str
) -> None:
    assert label_quality(utility, violations, SETTINGS, is_final=True) == expected


@pytest.mark.parametrize(("utility", "violations"), [(50.0, 0), (-50.0, 0), (50.0, 2)])
def test_a_conflicted_label_is_ambiguous(utility: float, violations: int) -> None:
    found = label_quality(utility, violations, SETTINGS, is_final=True, is_conflicted=True)
    assert found is LabelQuality.AMBIGUOUS


@pytest.mark.parametrize("utility", [None, nan])
def test_a_final_outcome_without_a_utility_is_refused(utility: float | None) -> None:
    with pytest.raises(InputError, match="score it first"):
        label_quality(utility, 0, SETTINGS, is_final=True)


def test_thresholds_that_cross_are_refused() -> None:
    with pytest.raises(ValidationError, match="bad_below ≤ good_from"):
        LabelSettings(good_from=0.0, bad_below=1.0)
