"""Which tickers a replay trains and decides on at each step: by what was known then, and nothing later."""

from datetime import datetime

import polars as pl

from pawl.errors import TooLittleDataError
from pawl.jobs.replay_plan import ReplayOrder, Step
from pawl.lake.silver import SilverStore
from pawl.learners.learner import LearnerSpec
from pawl.market.checks import check_bars

__all__ = ["MIN_BARS", "Joining"]

MIN_BARS = 400
"""Bars that a ticker must have before it is trained on for the first time."""


class Joining:
    """The tickers of a replay. left_out: ticker → why it was not decided on at the last step asked for.

    A ticker that the order names must be ready at the start. Of the others, each joins at the first step at which it
    has enough bars and passes its checks on what had closed by then, and sits out a step at which it fails them.
    """

    def __init__(self, silver: SilverStore, spec: LearnerSpec, order: ReplayOrder, bars: pl.DataFrame) -> None:
        self.silver = silver
        self.spec = spec
        self.order = order
        self.bars = bars
        self.left_out: dict[str, str] = {}
        self._ready = _ready(bars)
        self._require_start()

    def at(self, step: Step) -> tuple[str, ...]:
        """The tickers of a step, sorted; TooLittleDataError when none is left."""
        ready = set(self._ready.filter(pl.col("ready_at") <= step.begin)["ticker"])
        visible = self.bars.filter(pl.col("ticker").is_in(ready) & (pl.col("available_at") < step.begin))
        start = self.order.reads_from(step)
        read = visible if start is None else visible.filter(pl.col("ts") >= start)
        timeframe = self.spec.timeframe
        calendars, quarantined = self.silver.calendars(timeframe), self.silver.quarantined(timeframe)
        failing = check_bars(read, calendars, timeframe, self.order.limits, quarantined).failing
        short = {ticker: f"has fewer than {MIN_BARS} bars" for ticker in set(self._ready["ticker"]) - ready}
        self.left_out = {**short, **{ticker: f"fails its checks: {why}" for ticker, why in failing.items()}}
        joined = tuple(sorted(set(read["ticker"].unique()) - set(failing)))
        if not joined:
            named = "; ".join(f"{ticker} {why}" for ticker, why in sorted(self.left_out.items()))
            raise TooLittleDataError(
                f"no ticker can be trained on at {step.begin:%Y-%m-%d}: {named}",
                where="replay",
                fix="see `pawl data check`, mend the data, or choose another range",
            )
        return joined

    def _require_start(self) -> None:
        start, named = self.order.start, self.order.tickers
        late = self._ready.filter(pl.col("ready_at").is_null() | (pl.col("ready_at") > start))
        if late.height == 0 or (named is None and late.height < self._ready.height):
            return
        # All of the named ones, or else any of those there are.
        when = late["ready_at"].max() if named else late["ready_at"].min()
        never = late.filter(pl.col("ready_at").is_null())["ticker"].to_list()
        if when is None or (named and never):
            fix = f"import a longer history{' of ' + ', '.join(never) if named else ''}"
        else:
            assert isinstance(when, datetime)
            fix = f"start at {when:%Y-%m-%d} or later"
        raise TooLittleDataError(
            f"{', '.join(late['ticker'].sort())}: fewer than {MIN_BARS} bars before {start:%Y-%m-%d}",
            where="--from",
            fix=fix,
        )


def _ready(bars: pl.DataFrame) -> pl.DataFrame:
    """ticker, ready_at: the first instant before which each ticker has the bars it needs; null where it never has."""
    return (
        bars.sort("ticker", "ts")
        .group_by("ticker", maintain_order=True)
        .agg(ready_at=pl.col("available_at").get(MIN_BARS, null_on_oob=True))
    )
