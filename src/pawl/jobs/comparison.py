"""A model beside its baselines: each figure with its interval, and each difference with the interval of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import polars as pl

from pawl.evaluation.bootstrap import (
    Estimate,
    Resampling,
    Statistic,
    interval,
    interval_over_rows,
    mean_of,
    net_return_of,
    paired_interval,
    ratio_of,
    sharpe_of,
)
from pawl.evaluation.calibration import ece
from pawl.evaluation.classification import average_precision
from pawl.evaluation.trading import max_drawdown
from pawl.jobs.evaluation import Scored, bars_per_year

__all__ = ["METRICS", "Compared", "compare"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
RowMetric = Callable[[Floats, Floats], float]

DAYS = Resampling()
ROWS = Resampling(n_resamples=200)
"""Metrics of rows sort them anew in every resample: fewer resamples keep a report under some seconds."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric: the model's estimate, and by baseline its estimate and model − baseline."""

    model: Estimate
    baselines: Mapping[str, tuple[Estimate, Estimate]]


@dataclass(frozen=True, slots=True)
class _Daily:
    """What a metric of days is computed on: (n_days,) or (n_days, 2)."""

    values: Callable[[Scored, pl.Series], Floats]
    statistic: Callable[[float], Statistic]


@dataclass(frozen=True, slots=True)
class _Rowwise:
    """A metric of judged decisions: (probability, target) → figure."""

    metric: RowMetric


def _daily_returns(scored: Scored, days: pl.Series) -> Floats:
    returns = scored.backtest.equity.group_by(pl.col("ts").dt.truncate("1d").alias("day")).agg(
        ((1 + pl.col("net_return")).product() - 1).alias("net_return")
    )
    return _by_day(returns, days, ["net_return"])[:, 0]


def _daily_hits(scored: Scored, days: pl.Series) -> Floats:
    trades = scored.backtest.trades.group_by(pl.col("exit_ts").dt.truncate("1d").alias("day")).agg(
        (pl.col("pnl_bps") > 0).sum().cast(pl.Float64).alias("hits"), pl.len().cast(pl.Float64).alias("trades")
    )
    return _by_day(trades, days, ["hits", "trades"])


def _daily_net_bps(scored: Scored, days: pl.Series) -> Floats:
    trades = scored.backtest.trades.group_by(pl.col("exit_ts").dt.truncate("1d").alias("day")).agg(
        pl.col("pnl_bps").sum(), pl.len().cast(pl.Float64).alias("trades")
    )
    return _by_day(trades, days, ["pnl_bps", "trades"])


def _daily_brier(scored: Scored, days: pl.Series) -> Floats:
    errors = scored.judged.group_by(pl.col("ts").dt.truncate("1d").alias("day")).agg(
        ((pl.col("probability") - pl.col("target")) ** 2).sum().alias("error"), pl.len().cast(pl.Float64).alias("rows")
    )
    return _by_day(errors, days, ["error", "rows"])


def _by_day(frame: pl.DataFrame, days: pl.Series, columns: list[str]) -> Floats:
    joined = days.alias("day").to_frame().join(frame, on="day", how="left", maintain_order="left")
    return joined.select(pl.col(columns).fill_null(0.0)).to_numpy()


def _drawdown_of(days: Floats) -> Floats:
    return np.array([max_drawdown(path) for path in days])


METRICS: dict[str, _Daily | _Rowwise] = {
    "daily_net_return": _Daily(_daily_returns, lambda _: mean_of),
    "net_return": _Daily(_daily_returns, lambda _: net_return_of),
    "sharpe": _Daily(_daily_returns, sharpe_of),
    "max_drawdown": _Daily(_daily_returns, lambda _: _drawdown_of),
    "hit_rate": _Daily(_daily_hits, lambda _: ratio_of),
    "net_bps_per_trade": _Daily(_daily_net_bps, lambda _: ratio_of),
    "brier": _Daily(_daily_brier, lambda _: ratio_of),
    "ece": _Rowwise(ece),
    "average_precision": _Rowwise(lambda probability, target: average_precision(target, probability)),
}
"""Every metric that is compared, the primary one first."""


def compare(model: Scored, baselines: Mapping[str, Scored], seed: int) -> dict[str, Compared]:
    """Every metric of the model and of its baselines on the same days and rows, by a stationary block bootstrap.

    seed: each interval draws from a generator of its own, so none depends on which others are asked for.
    """
    days = model.backtest.equity["ts"].dt.truncate("1d").unique().sort()
    days_per_year = bars_per_year(days)
    return {
        name: _compare_days(metric, model, baselines, days, (metric.statistic(days_per_year), seed))
        if isinstance(metric, _Daily)
        else _compare_rows(metric.metric, model, baselines, seed)
        for name, metric in METRICS.items()
    }


def _compare_days(
    metric: _Daily, model: Scored, baselines: Mapping[str, Scored], days: pl.Series, how: tuple[Statistic, int]
) -> Compared:
    statistic, seed = how
    own = metric.values(model, days)
    others = {name: metric.values(scored, days) for name, scored in baselines.items()}
    return Compared(
        interval(own, statistic, DAYS, _generator(seed)),
        {
            name: (
                interval(other, statistic, DAYS, _generator(seed)),
                paired_interval(own, other, statistic, DAYS, _generator(seed)),
            )
            for name, other in others.items()
        },
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """Decisions that two models were judged on alike, with their days."""

    day: Ints
    probability: Floats
    other: Floats
    target: Floats

    @classmethod
    def of(cls, scored: Scored, other: Scored) -> Self:
        keys = ["ticker", "ts"]
        both = scored.judged.select(*keys, "probability", "target").join(
            other.judged.select(*keys, other="probability"), on=keys, how="inner", maintain_order="left"
        )
        return cls(
            both["ts"].dt.epoch("d").to_numpy(),
            both["probability"].to_numpy(),
            both["other"].to_numpy(),
            both["target"].cast(pl.Float64).to_numpy(),
        )


def _compare_rows(metric: RowMetric, model: Scored, baselines: Mapping[str, Scored], seed: int) -> Compared:
    own = _Judged.of(model, model)
    return Compared(
        _over_rows(own, lambda rows: metric(own.probability[rows], own.target[rows]), seed),
        {name: _compare_judged(metric, _Judged.of(model, other), seed) for name, other in baselines.items()},
    )


def _compare_judged(metric: RowMetric, both: _Judged, seed: int) -> tuple[Estimate, Estimate]:
    def theirs(rows: Ints) -> float:
        return metric(both.other[rows], both.target[rows])

    def difference(rows: Ints) -> float:
        return metric(both.probability[rows], both.target[rows]) - theirs(rows)

    return _over_rows(both, theirs, seed), _over_rows(both, difference, seed)


def _over_rows(judged: _Judged, metric: Callable[[Ints], float], seed: int) -> Estimate:
    return interval_over_rows(judged.day, metric, ROWS, _generator(seed))


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))
