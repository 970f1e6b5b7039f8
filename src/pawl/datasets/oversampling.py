"""More of the fast-moving stretches in training, so that a model does not learn quiet markets alone."""

from dataclasses import dataclass

import polars as pl

from pawl.datasets.passport_settings import OversamplingSettings

__all__ = ["Oversampled", "OversamplingSettings", "oversample_fast"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Oversampled:
    """rows: with `copy` (0 the original). Shares of fast rows in the training side; NaN where it is empty."""

    rows: pl.DataFrame
    n_added: int
    fast_share_before: float
    fast_share: float


def oversample_fast(rows: pl.DataFrame, settings: OversamplingSettings, train: str = "train") -> Oversampled:
    """The rows, with those of fast stretches on the training side repeated right behind themselves.

    rows: ticker, volatility, split. A row is fast where its volatility exceeds the quantile of its ticker's training
    rows. Rows of any other side stay as they are, once each: what is measured there is the market as it was.
    """
    is_train = (pl.col("split") == train).fill_null(value=False)
    volatility = pl.col("volatility").fill_nan(None)
    limit = volatility.filter(is_train).quantile(settings.fast_quantile, "linear").over("ticker")
    is_fast = (is_train & (volatility > limit)).fill_null(value=False)
    counted = rows.with_columns(_copies=pl.when(is_fast).then(settings.n_copies).otherwise(1), _is_train=is_train)
    n_train, n_fast = counted.select(pl.col("_is_train").sum(), (pl.col("_copies") > 1).sum().alias("n_fast")).row(0)
    n_added = n_fast * (settings.n_copies - 1)
    repeated = counted.with_columns(copy=pl.int_ranges(0, "_copies")).explode("copy").select(*rows.columns, "copy")
    return Oversampled(
        rows=repeated,
        n_added=n_added,
        fast_share_before=n_fast / n_train if n_train else float("nan"),
        fast_share=(n_fast + n_added) / (n_train + n_added) if n_train else float("nan"),
    )
