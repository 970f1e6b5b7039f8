"""What a gate reads: figures with the size of their sample, or the reason why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass

from pawl.gates.wording import interval_text

__all__ = ["Figure", "Figures", "Measured", "PairedDifference", "Unmeasured"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric of one version.

    value: in the metric's unit, NaN where undefined. n: what it rests on (decisions, days). note: what a reader of the
    verdict should know beside it ("7 trials").
    """

    value: float
    n: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """A metric whose measuring failed. reason: what went wrong, in words."""

    reason: str


Measured = Figure | Unmeasured
Figures = Mapping[str, Measured]
"""Metric name → figure. A name that is absent was not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference:
    """Challenger less champion on the same days, with the interval of a block bootstrap; all in the metric's unit.

    n_days: the days that were drawn from. Bounds are NaN where they could not be estimated, which a gate reads as fail.

    >>> PairedDifference(mean=4.0, low=1.5, high=6.5, n_days=91).low_figure()
    Figure(value=1.5, n=91, note='interval 1.5 … 6.5')
    """

    mean: float
    low: float
    high: float
    n_days: int

    def low_figure(self) -> Figure:
        """The lower bound, as a gate reads it; NaN when the mean lies outside the interval, for then it is none."""
        is_interval = self.low <= self.mean <= self.high
        low = self.low if is_interval else float("nan")
        return Figure(low, self.n_days, note=interval_text(self.low, self.high, self.n_days))
