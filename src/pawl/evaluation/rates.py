"""What a count out of a number says of the rate behind it: its interval, a difference, evidence against a base rate."""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pawl.errors import InputError

__all__ = ["difference_interval", "evidence_above", "evidence_below", "wilson_interval"]

Floats = NDArray[np.float64]

LEVEL = 0.95


def wilson_interval(hits: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """The Wilson score interval of a rate; (0, 1) for n = 0.

    hits: 0 … n, else an InputError. (Probable inference, the law of succession, and statistical inference, JASA 1927.)

    >>> [round(bound, 4) for bound in wilson_interval(8, 10)]
    [0.4902, 0.9433]
    """
    _require_count(hits, n)
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    rate, weight = hits / n, z * z / n
    middle = (rate + weight / 2) / (1 + weight)
    reach = math.sqrt(rate * (1 - rate) * weight + weight * weight / 4) / (1 + weight)
    # At the ends the formula gives 0 or 1 but for the last digit.
    return (0.0 if hits == 0 else middle - reach), (1.0 if hits == n else middle + reach)


def difference_interval(
    later: tuple[int, int], earlier: tuple[int, int], level: float = LEVEL
) -> tuple[float, float, float]:
    """Rate of `later` less rate of `earlier`, each (hits, n > 0), with its interval: (difference, low, high).

    (Interval estimation for the difference between independent proportions, Statistics in Medicine 1998, method 10.)

    >>> [round(one, 4) for one in difference_interval((56, 70), (48, 80))]
    [0.2, 0.0524, 0.3339]
    """
    if min(later[1], earlier[1]) < 1:
        raise _bad(f"a rate of {later} against one of {earlier}")
    rate, before = later[0] / later[1], earlier[0] / earlier[1]
    low, high = wilson_interval(*later, level)
    low_before, high_before = wilson_interval(*earlier, level)
    difference = rate - before
    return (
        difference,
        difference - math.hypot(rate - low, high_before - before),
        difference + math.hypot(high - rate, before - low_before),
    )


def evidence_above(hits: int, n: int, base_rate: float) -> float:
    """Evidence that the rate lies above the base rate: natural logarithm of an e-value; 0 says nothing, n = 0 gives 0.

    base_rate: in (0, 1). Likelihood at every rate above the base, weighed evenly, over that at the base. While the true
    rate is no higher, the chance that the e-value ever reaches 1/α, however often one looks as n grows, is at most α.
    (Time-uniform Chernoff bounds via nonnegative supermartingales, Probability Surveys 2020.)

    >>> round(evidence_above(12, 20, 0.2), 2), round(evidence_above(4, 20, 0.2), 2)
    (6.53, -1.83)
    """
    _require_count(hits, n)
    if not 0 < base_rate < 1:
        raise _bad(f"a base rate of {base_rate}")
    if n == 0:
        return 0.0
    # ∫ over (p0, 1) of p^k (1 − p)^(n−k) dp is a beta function times a tail of it, and that tail is a binomial one.
    tail = _log_sum(_log_binomial(n + 1, base_rate)[: hits + 1])
    return tail - math.log(n + 1) - math.log1p(-base_rate) - float(_log_binomial(n, base_rate)[hits])


def evidence_below(hits: int, n: int, base_rate: float) -> float:
    """Evidence that the rate lies below the base rate, as `evidence_above` gives it.

    >>> evidence_below(0, 40, 0.25) == evidence_above(40, 40, 0.75)
    True
    """
    return evidence_above(n - hits, n, 1 - base_rate)


def _log_binomial(n: int, rate: float) -> Floats:
    """(n + 1,) logarithms of the chances of 0 … n hits."""
    ways = np.concatenate([[0.0], np.cumsum(np.log(np.arange(n, 0, -1)) - np.log(np.arange(1, n + 1)))])
    hits = np.arange(n + 1)
    chances: Floats = ways + hits * math.log(rate) + (n - hits) * math.log1p(-rate)
    return chances


def _log_sum(logarithms: Floats) -> float:
    largest = float(logarithms.max())
    return largest + math.log(float(np.exp(logarithms - largest).sum()))


def _require_count(hits: int, n: int) -> None:
    if not 0 <= hits <= n:
        raise _bad(f"{hits} out of {n}")


def _bad(what: str) -> InputError:
    return InputError(f"{what} is no rate", where="rates", fix="hand in hits out of n, and a rate between 0 and 1")
