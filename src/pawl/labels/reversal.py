"""Whether the price turned: the class of a bar and how far the move went, from the bars after it."""

from collections.abc import Sequence

import polars as pl

from pawl.features.feature import FeatureSet
from pawl.features.price import ret_10
from pawl.features.sets import build_dataset
from pawl.features.volatility import atr_14
from pawl.labels.interval import interval

__all__ = [
    "HORIZON_BARS",
    "SIGNAL_CLASSES",
    "STOP_ATR",
    "TARGET_ATR",
    "label_reversals",
]

HORIZON_BARS = 16
TARGET_ATR = 1.5
STOP_ATR = 1.0

SIGNAL_CLASSES = ("hold", "buy", "sell")
"""The learner's own words, in the order of their numbers in the model."""

UNDECIDED = 0.5
"""The confidence target of `hold`."""

_READ = FeatureSet(name="reversal label", features=(atr_14, ret_10))


def label_reversals(bars: pl.DataFrame, horizon_bars: int = HORIZON_BARS) -> pl.DataFrame:
    """One row a bar, in (ticker, ts) order: ticker, ts, signal, signal_id, confidence, atr_14, t0 and t1.

    bars: silver bars. From the close of bar t and its ATR14, over the pair's next `horizon_bars` bars: `buy` where
    +1.5 ATR is reached before −1.0 ATR and ret_10 < 0, `sell` mirrored where ret_10 > 0, else `hold`. A bar that holds
    both barriers counts as the adverse one. confidence = min(1, best favourable move / 1.5 ATR) of the class, 0.5 for
    `hold`. signal_id: the place of the class in SIGNAL_CLASSES.
    The next bars are those that trade next: over a weekend too, whose jump whoever holds must bear. signal, signal_id
    and confidence are null where ATR14 or ret_10 is, and t1 too where a bar of the horizon is missing.
    No prediction is read here: what was said at a bar is not what came of it.

    >>> from datetime import UTC, datetime, timedelta
    >>> at = [datetime(2025, 3, 3, tzinfo=UTC) + timedelta(minutes=15) * n for n in range(40)]
    >>> close = [100.0 - n for n in range(20)] + [81.0 + 2 * n for n in range(20)]
    >>> bars = pl.DataFrame({"ticker": "EURUSD", "ts": at, "open": close, "close": close, "available_at": at,
    ...                      "high": [c + 0.1 for c in close], "low": [c - 0.1 for c in close]})
    >>> label_reversals(bars).select("signal", "confidence").row(19)
    ('buy', 1.0)
    """
    frame = build_dataset(bars, _READ).collect()
    paths = {"buy": _path(frame, horizon_bars, "high", "low", 1), "sell": _path(frame, horizon_bars, "low", "high", -1)}
    frame = frame.with_columns(
        *interval(horizon_bars),
        *(column.alias(f"{name}_{part}") for name, path in paths.items() for part, column in path.items()),
    )
    is_known = pl.col("t1").is_not_null() & pl.col("atr_14").is_not_null() & pl.col("ret_10").is_not_null()
    signal = (
        pl.when(pl.col("buy_is_won") & (pl.col("ret_10") < 0))
        .then(pl.lit("buy"))
        .when(pl.col("sell_is_won") & (pl.col("ret_10") > 0))
        .then(pl.lit("sell"))
        .otherwise(pl.lit("hold"))
    )
    reached = (
        pl.when(pl.col("signal") == "buy")
        .then(_share("buy"))
        .when(pl.col("signal") == "sell")
        .then(_share("sell"))
        .when(pl.col("signal") == "hold")
        .then(UNDECIDED)
    )
    number = {name: place for place, name in enumerate(SIGNAL_CLASSES)}
    return (
        frame.with_columns(signal=pl.when(is_known).then(signal))
        .with_columns(
            signal_id=pl.col("signal").replace_strict(number, return_dtype=pl.Int64),
            confidence=reached,
            t1=pl.when(is_known).then("t1"),
        )
        .select("ticker", "ts", "signal", "signal_id", "confidence", "atr_14", "t0", "t1")
    )


def _path(frame: pl.DataFrame, horizon: int, best: str, worst: str, side: int) -> dict[str, pl.Series]:
    """What a position of this side taken at the close sees: whether its target comes before its stop, its best move."""
    close, atr = pl.col("close"), pl.col("atr_14")
    steps = range(1, horizon + 1)
    target, stop = close + side * TARGET_ATR * atr, close - side * STOP_ATR * atr
    ahead: Sequence[pl.Expr] = [side * pl.col(best).shift(-step).over("ticker") for step in steps]
    behind: Sequence[pl.Expr] = [side * pl.col(worst).shift(-step).over("ticker") for step in steps]
    reached = pl.min_horizontal(
        pl.when(bar >= side * target).then(step) for step, bar in zip(steps, ahead, strict=True)
    )
    stopped = pl.min_horizontal(pl.when(bar <= side * stop).then(step) for step, bar in zip(steps, behind, strict=True))
    found = frame.select(
        # Both in one bar: the order inside it is unknown, and the adverse one counts.
        is_won=(reached < stopped.fill_null(horizon + 1)).fill_null(value=False),
        move=pl.max_horizontal(ahead) - side * close,
    )
    return {"is_won": found["is_won"], "move": found["move"]}


def _share(name: str) -> pl.Expr:
    return pl.min_horizontal(pl.lit(1.0), pl.col(f"{name}_move") / (TARGET_ATR * pl.col("atr_14")))
