"""What versions said in a replay by the calendar, who decided on each bar, and what came of every signal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from pawl.features.segments import ticker_starts
from pawl.gates.ab_test import AbCounts, AbTest, arm_of
from pawl.labels.reversal import HORIZON_BARS, STOP_ATR, TARGET_ATR, label_reversals
from pawl.learners.reversal import LOOK_BACK, Reversal
from pawl.policy.held_signal import held_sides

__all__ = ["Segment", "arm_counts", "decisions_of", "outcomes_of", "routed", "said_in"]

_SIDES = {"hold": 0, "buy": 1, "sell": -1}


@dataclass(frozen=True, slots=True)
class Segment:
    """The bars that close in (after, until]: those that are decided on between two events."""

    after: datetime
    until: datetime

    def holds(self) -> pl.Expr:
        """Whether a bar's close lies in it."""
        return pl.col("available_at").is_between(self.after, self.until, closed="right")


def said_in(learner: Reversal, model: Any, bars: pl.DataFrame, segment: Segment) -> pl.DataFrame:  # noqa: ANN401 - a model is whatever its learner fits
    """What a model said at the closes of a segment: the learner's predictions, without rows before it."""
    known = bars.filter((pl.col("available_at") <= segment.until) & (pl.col("ts") >= segment.after - LOOK_BACK))
    opened = known.filter(segment.holds())["ts"].min()
    since = opened if isinstance(opened, datetime) else segment.until
    return learner.predict(model, known, since=since).filter(segment.holds()).drop("held")


def routed(test: AbTest, timeframe: str, arms: tuple[pl.DataFrame, pl.DataFrame]) -> pl.DataFrame:
    """One row a bar: that of the arm which the test draws for it. arms: what A and B said, the same bars in order."""
    first, second = arms
    is_a = [
        arm_of(test, ticker, timeframe, ts) == test.model_a for ticker, ts in first.select("ticker", "ts").iter_rows()
    ]
    mask = pl.Series(is_a, dtype=pl.Boolean)
    return pl.concat([first.filter(mask), second.filter(~mask)]).sort("ticker", "ts")


def decisions_of(learner: Reversal, said: Sequence[pl.DataFrame], bars: pl.DataFrame) -> pl.DataFrame:
    """Signals to decisions over the whole replay: a signal is followed until it is over or a newer one comes, whichever
    version gave it.
    """
    prices = bars.select("ticker", "ts", "high", "low", "close")
    frame = pl.concat(said).sort("ticker", "ts").join(prices, on=["ticker", "ts"], how="left", maintain_order="left")
    sides = frame["signal"].fill_null("hold").replace_strict(_SIDES, return_dtype=pl.Int64).to_numpy()
    held = held_sides(
        sides,
        ticker_starts(frame),
        np.ascontiguousarray(frame.select("high", "low", "close").to_numpy()),
        frame["atr_14"].fill_null(math.nan).to_numpy(),
        (TARGET_ATR, STOP_ATR, HORIZON_BARS),
    )
    return learner.decide(frame.with_columns(held=pl.Series(held)))


def outcomes_of(bars: pl.DataFrame) -> pl.DataFrame:
    """ticker, ts, and for `buy` and `sell`: {side}_outcome (win, loss, expired) and {side}_resolved, its instant.

    From the close of each bar, by highs and lows of the next sixteen, the adverse barrier first; null where a bar of
    them, or ATR14, is missing.
    """
    known = label_reversals(bars).select("ticker", "ts", "atr_14")
    frame = bars.sort("ticker", "ts").join(known, on=["ticker", "ts"], how="left", maintain_order="left")
    steps = range(1, HORIZON_BARS + 1)
    closes = [pl.col("available_at").shift(-step).over("ticker") for step in steps]
    is_whole = closes[-1].is_not_null() & pl.col("atr_14").is_not_null()
    for name, side, best, worst in (("buy", 1, "high", "low"), ("sell", -1, "low", "high")):
        target = side * pl.col("close") + TARGET_ATR * pl.col("atr_14")
        stop = side * pl.col("close") - STOP_ATR * pl.col("atr_14")
        ahead = [side * pl.col(best).shift(-step).over("ticker") >= target for step in steps]
        behind = [side * pl.col(worst).shift(-step).over("ticker") <= stop for step in steps]
        won, lost = (
            pl.min_horizontal(pl.when(bar).then(step) for step, bar in zip(steps, hit, strict=True)).fill_null(99)
            for hit in (ahead, behind)
        )
        frame = frame.with_columns(won=won, lost=lost).with_columns(
            pl.when(is_whole)
            .then(
                pl.when(pl.col("won") < pl.col("lost"))
                .then(pl.lit("win"))
                .when(pl.col("lost") < 99)
                .then(pl.lit("loss"))
                .otherwise(pl.lit("expired"))
            )
            .alias(f"{name}_outcome"),
            pl.coalesce(
                *(
                    pl.when(pl.min_horizontal("won", "lost") == step).then(close)
                    for step, close in zip(steps, closes, strict=True)
                ),
                closes[-1],
            ).alias(f"{name}_resolved"),
        )
    names = [f"{side}_{part}" for side in ("buy", "sell") for part in ("outcome", "resolved")]
    return frame.select("ticker", "ts", *names)


def arm_counts(said: Sequence[pl.DataFrame], outcomes: pl.DataFrame, test: AbTest) -> tuple[AbCounts, AbCounts]:
    """Wins and resolved signals of both arms, of the bars that the test drew and that were resolved by its end."""
    frame = pl.concat(said).filter(pl.col("signal").is_in(["buy", "sell"]) & (pl.col("ab_test") == test.test_id))
    is_buy = pl.col("signal") == "buy"
    known = frame.join(outcomes, on=["ticker", "ts"], how="inner").select(
        "version",
        outcome=pl.when(is_buy).then("buy_outcome").otherwise("sell_outcome"),
        resolved=pl.when(is_buy).then("buy_resolved").otherwise("sell_resolved"),
    )
    resolved = known.filter((pl.col("resolved") <= test.ends_at) & pl.col("outcome").is_in(["win", "loss"]))

    def counts(version: str) -> AbCounts:
        arm = resolved.filter(pl.col("version") == version)
        return AbCounts(n_wins=int((arm["outcome"] == "win").sum()), n_resolved=arm.height)

    return counts(test.model_a), counts(test.model_b)
