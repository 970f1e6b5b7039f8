"""Rates: intervals and evidence against what scipy, integration and many draws say."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from pawl.errors import InputError
from pawl.evaluation.rates import difference_interval, evidence_above, evidence_below, wilson_interval


@pytest.mark.parametrize(("hits", "n"), [(0, 7), (7, 7), (3, 40), (5000, 10_000), (1, 1)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_the_wilson_interval_is_that_of_scipy(hits: int, n: int, level: float) -> None:
    expected = stats.binomtest(hits, n).proportion_ci(level, method="wilson")
    assert wilson_interval(hits, n, level) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_nothing_seen_leaves_every_rate_possible() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert evidence_above(0, 0, 0.2) == 0.0


@given(st.integers(1, 60), st.data())
def test_the_evidence_is_the_mean_likelihood_above_the_base_over_that_at_it(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    base = data.draw(st.sampled_from([0.05, 0.2, 0.5, 0.9]))
    above, _ = integrate.quad(lambda p: stats.binom.pmf(hits, n, p), base, 1.0, limit=200, epsabs=0, epsrel=1e-10)
    expected = math.log(above / (1 - base)) - stats.binom.logpmf(hits, n, base)
    assert evidence_above(hits, n, base) == pytest.approx(expected, abs=1e-6)
    assert evidence_below(n - hits, n, 1 - base) == pytest.approx(evidence_above(hits, n, base))


def test_the_evidence_holds_for_ten_thousand_occasions() -> None:
    assert (
        evidence_above(2000, 10_000, 0.2) < 0 < evidence_above(2300, 10_000, 0.2) < evidence_above(10_000, 10_000, 0.2)
    )
    assert math.isfinite(evidence_above(0, 10_000, 0.999))


def test_looking_after_every_occasion_errs_no_more_often_than_stated(rng: np.random.Generator) -> None:
    n_users, n, base, alpha = 400, 150, 0.1, 0.05
    hits = (rng.random((n_users, n)) < base).cumsum(axis=1)
    accused = sum(
        any(evidence_above(int(row[k]), k + 1, base) >= math.log(1 / alpha) for k in range(9, n)) for row in hits
    )
    assert stats.binomtest(accused, n_users, alpha, alternative="greater").pvalue > 0.001
    assert accused > 0  # or it would find nothing at all


@given(st.integers(1, 50), st.integers(1, 50), st.data())
def test_the_interval_of_a_difference_holds_it_and_turns_with_its_sides(n: int, m: int, data: st.DataObject) -> None:
    later, earlier = (data.draw(st.integers(0, n)), n), (data.draw(st.integers(0, m)), m)
    difference, low, high = difference_interval(later, earlier)
    turned = difference_interval(earlier, later)
    assert -1 - 1e-12 <= low <= difference <= high <= 1 + 1e-12
    assert turned == pytest.approx((-difference, -high, -low))


@pytest.mark.parametrize("count", [(3, 2), (-1, 2), (0, -1)])
def test_what_is_no_rate_is_refused(count: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="is no rate"):
        wilson_interval(*count)
    with pytest.raises(InputError, match="is no rate"):
        evidence_above(*count, 0.1)


@pytest.mark.parametrize("base", [0.0, 1.0, math.nan])
def test_a_base_rate_lies_between_0_and_1(base: float) -> None:
    with pytest.raises(InputError, match="base rate"):
        evidence_above(1, 2, base)
    with pytest.raises(InputError, match="no rate"):
        difference_interval((0, 0), (1, 2))
