"""Probabilistic and Deflated Sharpe: the worked example of the paper, quantstats, and simulated trials."""

import json
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from pawl.evaluation.sharpe import (
    Moments,
    deflated_sharpe,
    expected_best_sharpe,
    moments,
    probabilistic_sharpe,
    sharpe_confidence,
)

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "empyrical_metrics.json").read_text(encoding="utf-8"))


def test_the_deflated_sharpe_of_the_papers_example_is_ninety_percent() -> None:
    # Five years of 250 days, ratio 2.5 a year, 100 trials whose yearly ratios vary by 1/2, skewness −3, kurtosis 10.
    best = expected_best_sharpe(100, 0.5 / 250)
    assert best == pytest.approx(0.1132, abs=5e-5)
    found = Moments(n=1250, sharpe=2.5 / np.sqrt(250), skewness=-3.0, kurtosis=10.0)
    assert sharpe_confidence(found, best) == pytest.approx(0.9004, abs=5e-5)
    fewer = expected_best_sharpe(46, 0.5 / 250)
    assert sharpe_confidence(found, fewer) == pytest.approx(0.9505, abs=1e-3)


@pytest.mark.parametrize("case", GOLDEN["cases"][:3], ids=lambda case: case["name"])
def test_the_probabilistic_sharpe_is_near_that_of_quantstats(case: dict[str, dict[str, float]]) -> None:
    # Near: quantstats corrects the moments for the size of the sample.
    theirs = case["metrics"]["probabilistic_sharpe"]
    assert probabilistic_sharpe(np.array(case["returns"])) == pytest.approx(theirs, abs=2e-3)


def test_moments_are_those_of_scipy(rng: np.random.Generator) -> None:
    returns = 0.001 + 0.01 * rng.standard_t(4, 400)
    found = moments(returns)
    assert (found.n, found.sharpe) == (400, pytest.approx(returns.mean() / returns.std(ddof=1)))
    assert found.skewness == pytest.approx(stats.skew(returns))
    assert found.kurtosis == pytest.approx(stats.kurtosis(returns, fisher=False))


def test_the_best_of_worthless_trials_shows_what_is_expected(rng: np.random.Generator) -> None:
    best = rng.normal(0, 0.1, (20_000, 50)).max(axis=1).mean()
    assert expected_best_sharpe(50, 0.01) == pytest.approx(best, rel=0.02)


def test_more_trials_leave_less_of_a_sharpe(rng: np.random.Generator) -> None:
    returns = rng.normal(0.001, 0.01, 500)
    left = [deflated_sharpe(returns, n_trials) for n_trials in (1, 2, 10, 1000)]
    assert left == sorted(left, reverse=True)
    assert left[0] == probabilistic_sharpe(returns)
    assert deflated_sharpe(returns, 10, trial_variance=1 / 499) == left[2]
    assert deflated_sharpe(returns, 10, trial_variance=0.1) < left[2]


@pytest.mark.parametrize("returns", [[], [0.1], [0.1, 0.1, 0.1], [0.1, np.nan, 0.2]])
def test_returns_without_a_ratio_give_nan(returns: list[float]) -> None:
    assert isnan(probabilistic_sharpe(np.array(returns)))
    assert isnan(deflated_sharpe(np.array(returns), 5))
