"""What a feature is: one named expression with everything a reader or a proof must know of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

__all__ = ["Feature", "FeatureKind", "FeatureSet"]


class FeatureKind(StrEnum):
    """How the proof compares a feature, and how a gap in it is filled."""

    NUMBER = "number"
    INDICATOR = "indicator"  # true or false; a gap is filled with false
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature, declared once: its expression, what it reads, how far it looks back, and what it means.

    expression: gives the Polars expression; it reads only `inputs` (bar columns, `segment`, or other features).
    lookback: rows of raw bars, its own included, after which nothing older can change the value (recursive indicators:
        after which the start weighs less than 1e-9).
    unit: `fraction`, `index 0-100`, `rows`, `count`, `true/false`, `standard deviations` ...
    """

    name: str
    expression: Callable[[], pl.Expr]
    inputs: tuple[str, ...]
    lookback: int
    unit: str
    meaning: str
    kind: FeatureKind = FeatureKind.NUMBER


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSet:
    """A named list of features, in the order their columns stand."""

    name: str
    features: tuple[Feature, ...]

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.features)

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def lookback(self) -> int:
        """Rows of history that the whole set needs: the longest look-back in it."""
        return max(feature.lookback for feature in self.features)
