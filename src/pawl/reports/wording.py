"""How figures, intervals and times are written, the same on the page and in the terminal."""

import math
from datetime import date, datetime

from pawl.reports.report_data import Interval, Unit

__all__ = ["NOTHING", "day", "figure", "interval", "joined", "moment", "plural", "price", "signed"]

NOTHING = "–"
"""What stands where there is no figure."""

_FORMATS = {
    Unit.PERCENT: (100.0, ",.1f", " %"),
    Unit.BPS: (1.0, ",.1f", " bps"),
    Unit.RATIO: (1.0, ",.2f", ""),
    Unit.SCORE: (1.0, ",.3f", ""),
    Unit.TIMES: (1.0, ",.1f", " ×"),
    Unit.COUNT: (1.0, ",.0f", ""),
}


def figure(value: float | None, unit: Unit) -> str:
    """A figure with its unit; "–" for None, NaN and infinity.

    >>> figure(-0.0341, Unit.PERCENT), figure(12345, Unit.COUNT), figure(float("nan"), Unit.RATIO)
    ('−3.4 %', '12,345', '–')
    """
    bare = _bare(value, unit)
    return bare if bare == NOTHING else bare + _FORMATS[unit][2]


def signed(value: float | None, unit: Unit) -> str:
    """A difference: its sign always stands before it.

    >>> signed(0.0341, Unit.PERCENT), signed(-0.2, Unit.RATIO), signed(0.0, Unit.RATIO)
    ('+3.4 %', '−0.20', '0.00')
    """
    text = figure(value, unit)
    is_up = text != NOTHING and not text.startswith("−") and any(digit in "123456789" for digit in text)
    return f"+{text}" if is_up else text


def interval(estimate: Interval | None, unit: Unit) -> str:
    """The bounds of an interval, without the unit; empty where none were estimated.

    >>> interval(Interval(0.1, -0.05, 0.25), Unit.PERCENT)
    '−5.0 … 25.0'
    >>> interval(Interval(0.1), Unit.PERCENT)
    ''
    """
    if estimate is None:
        return ""
    low, high = _bare(estimate.low, unit), _bare(estimate.high, unit)
    return "" if NOTHING in (low, high) else f"{low} … {high}"


def price(value: float | None) -> str:
    """A price with six significant digits at least and no needless zeros.

    >>> price(43125.5), price(0.00001234), price(None)
    ('43,125.50', '0.00001234', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if abs(value) >= 100 or value == 0:
        return _minus(f"{value:,.2f}")
    decimals = max(2, 5 - math.floor(math.log10(abs(value))))
    whole, _, rest = f"{value:,.{decimals}f}".partition(".")
    return _minus(f"{whole}.{rest.rstrip('0').ljust(2, '0')}")


def day(when: date | None) -> str:
    """A date as 2024-01-31."""
    return NOTHING if when is None else f"{when:%Y-%m-%d}"


def moment(when: datetime | None) -> str:
    """An instant: the day alone at midnight, else with its time (UTC is said once, where the times stand).

    >>> moment(datetime(2024, 1, 31)), moment(datetime(2024, 1, 31, 9, 30))
    ('2024-01-31', '2024-01-31 09:30')
    """
    if when is None:
        return NOTHING
    return f"{when:%Y-%m-%d}" if (when.hour, when.minute) == (0, 0) else f"{when:%Y-%m-%d %H:%M}"


def plural(count: int, noun: str) -> str:
    """A count of things.

    >>> plural(1, "trade"), plural(1200, "trade")
    ('1 trade', '1,200 trades')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def joined(parts: list[str]) -> str:
    """A list in words.

    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def _bare(value: float | None, unit: Unit) -> str:
    if value is None or not math.isfinite(value):
        return NOTHING
    scale, form, _ = _FORMATS[unit]
    text = format(value * scale, form)
    is_zero = not any(digit in "123456789" for digit in text)
    return text.lstrip("-") if is_zero else _minus(text)


def _minus(text: str) -> str:
    return text.replace("-", "−", 1)
