"""The interval of a figure in a cell of a table: as small print below it, and drawn."""

import math

from pawl.reports.report_data import Interval, Unit
from pawl.reports.wording import NOTHING, interval

__all__ = ["bounds_below", "whisker"]


def bounds_below(estimate: Interval, unit: Unit) -> str:
    """The bounds as markup that stands under their figure; empty where none were estimated.

    >>> bounds_below(Interval(0.1, -0.05, 0.25), Unit.PERCENT)
    '<span class="range">−5.0 … 25.0</span>'
    """
    bounds = interval(estimate, unit)
    return f'<span class="range">{bounds}</span>' if bounds else ""


def whisker(difference: Interval, mark: str, *others: Interval) -> str:
    """The interval on a line whose middle is zero, as markup; "–" where a bound is missing.

    mark: the class that gives the colour (`good`, `bad`, `even`). others: differences of the same unit that are drawn
    on one scale with it; alone, it fills the line.

    >>> 'x1="6.0" x2="134.0"' in whisker(Interval(0.0, -1.0, 1.0), "even")
    True
    >>> whisker(Interval(0.4), "even")
    '–'
    """
    known = _known(difference)
    reach = max((abs(bound) for one in (difference, *others) for bound in _known(one)), default=0.0)
    if len(known) < 3 or reach == 0:
        return NOTHING
    low, value, high = (70 + 64 * bound / reach for bound in known)
    return (
        f'<svg class="whisker {mark}" viewBox="0 0 140 16" width="140" height="16" aria-hidden="true">'
        f'<line class="zero" x1="70" x2="70" y1="1" y2="15"/>'
        f'<line class="reach" x1="{low:.1f}" x2="{high:.1f}" y1="8" y2="8"/>'
        f'<circle cx="{value:.1f}" cy="8" r="3.5"/></svg>'
    )


def _known(one: Interval) -> list[float]:
    bounds = (one.low, one.value, one.high)
    return [bound for bound in bounds if bound is not None and math.isfinite(bound)]
