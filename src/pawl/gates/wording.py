"""How a gate's metrics and figures are written."""

import math

from pawl.gates.condition import Unit

__all__ = ["NOTHING", "figure_text", "interval_text", "no_figure", "title"]

NOTHING = "–"
"""What stands where there is no figure."""

TITLES = {
    "pnl_bps": "net per decision",
    "max_drawdown": "MDD",
    "max_drawdown_bps": "MDD",
    "latency_p99_ms": "latency p99, ms,",
    "ece": "ECE",
    "deflated_sharpe": "deflated Sharpe",
}
# Scale, decimals, and what follows the number.
FORMATS = {Unit.PERCENT: (100.0, 1, " %"), Unit.BPS: (1.0, 1, " bps"), Unit.SCORE: (1.0, 3, "")}
MOST_DECIMALS = 9


def title(metric: str) -> str:
    """The metric as it is printed.

    >>> title("max_drawdown"), title("risk_violation_rate"), title("net_return_gain_low")
    ('MDD', 'risk violation rate', 'net return gain, low')
    """
    return TITLES.get(metric, metric.replace("_gain_low", " gain, low").replace("_", " "))


def figure_text(value: float, unit: Unit, *, apart_from: float | None = None) -> str:
    """A figure with its unit; "–" for NaN and the infinities.

    apart_from: a second figure; decimals are added until the two read differently, where they differ.

    >>> figure_text(0.541, Unit.PERCENT), figure_text(-3.25, Unit.BPS), figure_text(math.nan, Unit.SCORE)
    ('54.1 %', '−3.2 bps', '–')
    >>> figure_text(0.05241, Unit.PERCENT, apart_from=0.0524), figure_text(0.5, Unit.SCORE, apart_from=0.5)
    ('5.241 %', '0.500')
    """
    scale, decimals, ending = FORMATS[unit]
    if not math.isfinite(value * scale):
        return NOTHING
    other = value if apart_from is None or not math.isfinite(apart_from) else apart_from
    if value != other:
        while decimals < MOST_DECIMALS and f"{value * scale:.{decimals}f}" == f"{other * scale:.{decimals}f}":
            decimals += 1
    return _number(value * scale, decimals) + ending


def no_figure(value: float, n: int, asked: int) -> str:
    """What is said of a value that is none, behind its name. n: what it rests on. asked: what it should, at least.

    >>> no_figure(math.nan, 0, 100)
    'could not be computed: it rests on 0 of at least 100 samples'
    >>> no_figure(math.nan, 91, 40), no_figure(-math.inf, 91, 40)
    ('could not be computed from its 91 samples', 'is infinite')
    """
    if math.isinf(value):
        return "is infinite"
    if n < asked:
        return f"could not be computed: it rests on {n} of at least {asked} samples"
    return f"could not be computed from its {'1 sample' if n == 1 else f'{n} samples'}"


def interval_text(low: float, high: float, n: int) -> str:
    """An interval, in the unit of its metric. n: what it rests on.

    >>> interval_text(-1.5, 6.52341, 91), interval_text(math.nan, math.nan, 91)
    ('interval −1.5 … 6.523', 'interval could not be computed from its 91 samples')
    """
    for bound in (low, high):
        if not math.isfinite(bound):
            return f"interval {no_figure(bound, n, 1)}"
    return f"interval {low:.4g} … {high:.4g}".replace("-", "−")


def _number(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    is_zero = not any(digit in "123456789" for digit in text)
    return text.lstrip("-") if is_zero else text.replace("-", "−", 1)
