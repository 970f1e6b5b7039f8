"""What every multi-task head has in common: what it is fitted on, what it predicts, and how it is stored."""

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from pawl.errors import SchemaError, TooLittleDataError

__all__ = ["Head", "HeadPrediction", "feature_matrix", "training_matrix"]

Floats = npt.NDArray[np.float64]


class HeadPrediction(NamedTuple):
    """One value a row, (n,): probability of a rebound in [0, 1], expected return and drawdown in percent."""

    rebound_prob: Floats
    ret_pct: Floats
    dd_pct: Floats


class Head(Protocol):
    """A fitted head. What `to_files` gives, its `from_files` reads back to the byte."""

    @property
    def features(self) -> tuple[str, ...]: ...

    def predict(self, x: pl.DataFrame) -> HeadPrediction:
        """SchemaError naming a missing feature; columns that are no feature are ignored."""
        ...

    def importance(self) -> dict[str, float]:
        """Weight of each feature in the rebound probability, ≥ 0, in the order of the features."""
        ...

    def to_files(self) -> dict[str, bytes]: ...


def feature_matrix(x: pl.DataFrame, features: tuple[str, ...]) -> Floats:
    """(n_rows, n_features) in the order of `features`; booleans become 0 and 1, null becomes NaN."""
    missing = [name for name in features if name not in x.columns]
    if missing:
        raise SchemaError(
            f"missing feature column {', '.join(f'`{name}`' for name in missing)}",
            where=f"frame with {x.width} columns",
            fix="build the feature set the head was trained on",
        )
    return x.select(pl.col(name).cast(pl.Float64) for name in features).to_numpy(order="c")


def training_matrix(x: pl.DataFrame, is_rebound: npt.NDArray[np.bool_], ret_dd_pct: Floats) -> Floats:
    """The feature matrix of a fit, asserted fit to train on (M002-R26).

    x: features only. is_rebound: (n,). ret_dd_pct: (n, 2). SchemaError names the columns that hold a null, NaN or
    infinity; TooLittleDataError when all rows are of one class.
    """
    matrix = feature_matrix(x, tuple(x.columns))
    if not len(matrix) == len(is_rebound) == len(ret_dd_pct):
        raise SchemaError(
            f"{len(matrix)} rows of features, {len(is_rebound)} and {len(ret_dd_pct)} of targets",
            where="fit of the head",
            fix="hand in one target a row",
        )
    columns = [*x.columns, "fut_ret_pct", "fut_dd_pct"]
    is_usable = np.concatenate([np.isfinite(matrix).all(axis=0), np.isfinite(ret_dd_pct).all(axis=0)])
    if not is_usable.all():
        names = ", ".join(f"`{columns[i]}`" for i in np.flatnonzero(~is_usable))
        raise SchemaError(f"null, NaN or infinity in {names}", where="fit of the head", fix="drop those rows first")
    if len(np.unique(is_rebound)) < 2:
        raise TooLittleDataError(
            f"{len(is_rebound)} rows, all of one class (a rebound, or none)",
            where="fit of the head",
            fix="train on a longer period or on more tickers",
        )
    return matrix
