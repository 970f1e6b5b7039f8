"""Gaps in features: carried forward inside a ticker, never backward, never into another ticker."""

import polars as pl

from pawl.features.feature import FeatureKind, FeatureSet

__all__ = ["fill_gaps"]


def fill_gaps(frame: pl.DataFrame, features: FeatureSet) -> pl.DataFrame:
    """Fill the nulls of each feature behind its ticker's first known value; those before it remain null.

    frame: ordered by (ticker, ts), as `build_dataset` gives it. A number or a count keeps its last value; an indicator
    becomes false, because repeating an old event would invent one.

    >>> from pawl.features.feature import Feature
    >>> height = Feature(name="height", expression=lambda: pl.col("x"), inputs=("x",), lookback=1, unit="m", meaning="")
    >>> frame = pl.DataFrame({"ticker": ["A", "A", "A", "B"], "height": [None, 1.0, None, None]})
    >>> heights = FeatureSet(name="heights", features=(height,))
    >>> fill_gaps(frame, heights).get_column("height").to_list()
    [None, 1.0, 1.0, None]
    """
    filled = []
    for feature in features:
        column = pl.col(feature.name)
        if feature.kind is FeatureKind.INDICATOR:
            # Whether something was known before: the last known value, whatever it is, turned into false.
            is_known = column.is_not_null().cum_max().over("ticker")
            filled.append(pl.when(is_known).then(column.fill_null(value=False)).alias(feature.name))
        else:
            filled.append(column.forward_fill().over("ticker"))
    return frame.with_columns(filled)
