"""How large a rate may be, given how often it was seen."""

from math import exp, lgamma, log, log1p

__all__ = ["upper_bound"]

STEPS = 60


def upper_bound(n_seen: int, n: int, level: float = 0.95) -> float:
    """One-sided upper bound of a binomial rate (Clopper and Pearson, Biometrika 1934); 1 where nothing was tried.

    >>> round(upper_bound(0, 60), 4), round(upper_bound(200, 4000), 4), upper_bound(3, 3)
    (0.0487, 0.056, 1.0)
    """
    if n_seen >= n:
        return 1.0
    low, high = n_seen / n, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(n_seen, n, middle) > 1 - level else (low, middle)
    return high


def _at_most(k: int, n: int, rate: float) -> float:
    """P(X ≤ k) of a binomial count."""
    if not 0.0 < rate < 1.0:
        return 1.0 if rate <= 0.0 else 0.0
    whole = lgamma(n + 1)
    logs = (whole - lgamma(i + 1) - lgamma(n - i + 1) + i * log(rate) + (n - i) * log1p(-rate) for i in range(k + 1))
    return min(1.0, sum(exp(each) for each in logs))
