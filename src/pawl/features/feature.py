"""What a feature is: one named expression with everything a reader or a proof must know of it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

__all__ = ["Feature", "FeatureKind", "FeatureSet", "feature"]


class FeatureKind(StrEnum):
    """How the proof compares a feature, and how a gap in it is filled."""

    NUMBER = "number"
    INDICATOR = "indicator"  # true or false; a gap is filled with false
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature, declared once: its expression, what it reads, how far it looks back, and what it means.

    expression: gives the Polars expression; it reads only `inputs` (bar columns, or other features) and the segment
        column that `build_dataset` adds. Calling the feature gives the expression under the feature's name.
    lookback: rows of raw bars, its own included, after which nothing older can change the value (recursive indicators:
        after which the start weighs less than 1e-9).
    unit: `fraction`, `index 0-100`, `rows`, `count`, `true/false`, `standard deviations` ...
    input_rows: rows read of each input, its own included, in the order of `inputs`; empty where it was not declared.
    limits: the inputs an indicator compares with a number, each with that number. An input this near to its limit
        explains why the indicator of a shorter history may differ.
    """

    name: str
    expression: Callable[[], pl.Expr]
    inputs: tuple[str, ...]
    lookback: int
    unit: str
    meaning: str
    kind: FeatureKind = FeatureKind.NUMBER
    input_rows: tuple[int, ...] = ()
    limits: tuple[tuple[str, float], ...] = ()

    def __call__(self) -> pl.Expr:
        return self.expression().alias(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSet:
    """A named list of features, in the order their columns stand.

    steps: named intermediate columns that several features read; computed once, and not kept in the dataset.
    """

    name: str
    features: tuple[Feature, ...]
    steps: tuple[Feature, ...] = ()

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

    def only(self, names: Collection[str]) -> "FeatureSet":
        """The set of the features of these names; what they read, directly or not, becomes its steps."""
        by_name = {feature.name: feature for feature in (*self.steps, *self.features)}
        wanted, waiting = set[str](), list(names)
        while waiting:
            name = waiting.pop()
            if name in by_name and name not in wanted:
                wanted.add(name)
                waiting.extend(by_name[name].inputs)
        return FeatureSet(
            name=self.name,
            features=tuple(feature for feature in self.features if feature.name in names),
            steps=tuple(feature for name, feature in by_name.items() if name in wanted and name not in names),
        )


def feature(
    *,
    reads: Mapping[str | Feature, int],
    unit: str,
    kind: FeatureKind = FeatureKind.NUMBER,
    limits: Iterable[tuple[str | Feature, float]] = (),
) -> Callable[[Callable[[], pl.Expr]], Feature]:
    """Declare the decorated function as the feature of its name; the first line of its docstring is the meaning.

    reads: each input (a bar column, or a feature) with the rows read of it, the current one included. The look-back
        follows: an input of look-back L of which r rows are read reaches back L + r - 1 bars.

    >>> @feature(reads={"close": 2}, unit="fraction")
    ... def ret_1() -> pl.Expr:
    ...     '''Return over 1 bar.'''
    ...     return pl.col("close") / pl.col("close").shift(1).over("ticker") - 1
    >>> @feature(reads={ret_1: 20}, unit="fraction")
    ... def best_ret_20() -> pl.Expr:
    ...     '''Best return of the last 20 bars.'''
    ...     return pl.col("ret_1").rolling_max(20).over("ticker")
    >>> best_ret_20.inputs, best_ret_20.lookback, best_ret_20.meaning
    (('ret_1',), 21, 'Best return of the last 20 bars.')
    """

    def declare(expression: Callable[[], pl.Expr]) -> Feature:
        return Feature(
            name=expression.__name__,
            expression=expression,
            inputs=tuple(_name(read) for read in reads),
            lookback=max(_bars(read) + rows - 1 for read, rows in reads.items()),
            unit=unit,
            meaning=(expression.__doc__ or "").strip().split("\n")[0],
            kind=kind,
            input_rows=tuple(reads.values()),
            limits=tuple((_name(read), limit) for read, limit in limits),
        )

    return declare


def _name(read: str | Feature) -> str:
    return read.name if isinstance(read, Feature) else read


def _bars(read: str | Feature) -> int:
    return read.lookback if isinstance(read, Feature) else 1
