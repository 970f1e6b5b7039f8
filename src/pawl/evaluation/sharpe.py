"""How much of a Sharpe ratio survives its short sample, its fat tails, and the number of versions that were tried."""

from dataclasses import dataclass
from math import e, isfinite, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pawl.evaluation.trading import sharpe_ratio

__all__ = ["Moments", "deflated_sharpe", "expected_best_sharpe", "moments", "probabilistic_sharpe", "sharpe_confidence"]

Floats = NDArray[np.float64]

NAN = float("nan")
NORMAL = NormalDist()
EULER_MASCHERONI = 0.5772156649015329


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """What the formulas need of n returns: Sharpe ratio a bar (not a year), skewness, and kurtosis (normal: 3)."""

    n: int
    sharpe: float
    skewness: float
    kurtosis: float


def moments(returns: Floats) -> Moments:
    """Moments of (n,) returns a bar; NaN where they do not vary, or number fewer than 2.

    >>> found = moments(np.array([0.01, 0.03]))
    >>> round(found.sharpe, 4), abs(round(found.skewness, 6)), round(found.kurtosis, 6)
    (1.4142, 0.0, 1.0)
    """
    sharpe = sharpe_ratio(returns, 1.0)
    if not isfinite(sharpe):
        return Moments(n=returns.size, sharpe=NAN, skewness=NAN, kurtosis=NAN)
    away = returns - returns.mean()
    away = away / np.sqrt(np.mean(away**2))
    return Moments(n=returns.size, sharpe=sharpe, skewness=float(np.mean(away**3)), kurtosis=float(np.mean(away**4)))


def sharpe_confidence(found: Moments, benchmark: float) -> float:
    """Probability that the true Sharpe ratio lies above a benchmark, both a bar.

    Φ((SR − SR*) √(n − 1) / √(1 − γ₃ SR + (γ₄ − 1)/4 SR²))
    (Bailey, López de Prado: The Sharpe ratio efficient frontier, Journal of Risk 2012.)

    >>> round(sharpe_confidence(Moments(n=101, sharpe=0.1, skewness=0.0, kurtosis=3.0), 0.0), 4)
    0.8407
    """
    spread = 1.0 - found.skewness * found.sharpe + (found.kurtosis - 1.0) / 4.0 * found.sharpe**2
    if found.n < 2 or not spread > 0.0 or not isfinite(benchmark):
        return NAN
    return NORMAL.cdf((found.sharpe - benchmark) * sqrt(found.n - 1) / sqrt(spread))


def expected_best_sharpe(n_trials: int, variance: float) -> float:
    """Sharpe ratio that the best of n worthless trials is expected to show. variance: of the trials' ratios.

    √V · ((1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(N e))), γ of Euler and Mascheroni; one trial is no choice and gives 0
    (Bailey, López de Prado: The deflated Sharpe ratio, Journal of Portfolio Management 2014).

    >>> round(expected_best_sharpe(100, 1 / 500), 4)
    0.1132
    """
    if n_trials < 2:
        return 0.0
    far = NORMAL.inv_cdf(1.0 - 1.0 / n_trials)
    farther = NORMAL.inv_cdf(1.0 - 1.0 / (n_trials * e))
    return sqrt(variance) * ((1.0 - EULER_MASCHERONI) * far + EULER_MASCHERONI * farther)


def probabilistic_sharpe(returns: Floats, benchmark: float = 0.0) -> float:
    """Probability in [0, 1] that the true Sharpe ratio a bar lies above the benchmark; NaN where there is no ratio.

    >>> round(probabilistic_sharpe(np.array([0.01, -0.01, 0.02, 0.0, 0.01, -0.005])), 3)
    0.8
    """
    return sharpe_confidence(moments(returns), benchmark)


def deflated_sharpe(returns: Floats, n_trials: int, trial_variance: float | None = None) -> float:
    """Probability in [0, 1] that the Sharpe ratio is more than the best of `n_trials` worthless ones would show.

    n_trials: recorded number of versions tried, this one included. trial_variance: of their Sharpe ratios a bar;
    without it, that of the estimate when there is no skill, 1 / (n − 1). NaN where there is no ratio.

    >>> returns = np.array([0.01, -0.01, 0.02, 0.0, 0.01, -0.005])
    >>> deflated_sharpe(returns, n_trials=1) == probabilistic_sharpe(returns)
    True
    """
    if returns.size < 2:
        return NAN
    variance = trial_variance if trial_variance is not None else 1.0 / (returns.size - 1)
    return probabilistic_sharpe(returns, expected_best_sharpe(n_trials, variance))
