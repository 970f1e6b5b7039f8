"""What a replay is of: its trainings, its newest blocks, and who may take part."""

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest

from pawl.errors import InputError
from pawl.evaluation.backtest import Costs
from pawl.jobs.replay_plan import inputs_of, report_from, steps
from pawl.learners.m002 import M002
from pawl.market.bars import SILVER_SCHEMA
from small_replay import ORDER
from small_workspace import NOW, START


def bars_of(ticker: str, n: int, start: datetime = START) -> pl.DataFrame:
    ts = [start + timedelta(days=day) for day in range(n)]
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
    frame = pl.DataFrame({"ticker": [ticker] * n, "ts": ts}).with_columns(pl.lit(v).alias(k) for k, v in prices.items())
    closes = frame.with_columns(available_at=pl.col("ts") + timedelta(days=1), session=pl.int_range(pl.len()))
    return closes.select(pl.col(name).cast(kind) for name, kind in SILVER_SCHEMA.items())


def test_steps_follow_each_other_from_start_to_end() -> None:
    plan = steps(ORDER)
    assert [step.begin for step in plan] == [ORDER.start + number * ORDER.retrain_every for number in range(4)]
    assert [step.end for step in plan[:-1]] == [step.begin for step in plan[1:]]
    assert plan[-1].end == ORDER.end


def test_every_bar_that_closes_in_the_replay_is_decided_on_in_one_step() -> None:
    bars = bars_of("AAA", 800)
    held = pl.concat([bars.filter(step.holds()) for step in steps(ORDER)])
    inside = bars.filter((pl.col("available_at") > ORDER.start) & (pl.col("available_at") <= ORDER.end))
    assert held.equals(inside)


def test_the_newest_block_is_one_cadence_but_never_under_sixty_trading_days() -> None:
    bars, begin = bars_of("AAA", 800), ORDER.start
    assert report_from(bars, ORDER, begin) == begin - timedelta(days=91)
    weekly = replace(ORDER, retrain_every=timedelta(days=7))
    closes = bars.filter(pl.col("available_at") < begin)["available_at"]
    assert report_from(bars, weekly, begin) == closes[-60]
    weekdays = bars.filter(pl.col("ts").dt.weekday() <= 5)
    assert report_from(weekdays, replace(ORDER, retrain_every=timedelta(days=63)), begin) < begin - timedelta(days=63)


@pytest.mark.parametrize(
    "change",
    [{"end": ORDER.start}, {"retrain_every": timedelta(hours=1)}, {"policies": ("gated", "other")}, {"policies": ()}],
)
def test_an_order_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError):
        replace(ORDER, **change)  # type: ignore[arg-type]


def test_the_inputs_name_all_a_replay_follows_from_and_not_when_or_on_how_many_workers() -> None:
    bars, spec = bars_of("AAA", 10), M002().spec
    inputs = inputs_of(ORDER, spec, bars, {"n_folds": 2})
    assert inputs == inputs_of(replace(ORDER, n_jobs=2, now=NOW + timedelta(days=1)), spec, bars, {"n_folds": 2})
    for change in ({"seed": 2}, {"end": NOW}, {"window": timedelta(days=730)}, {"costs": Costs(fee_bps=1)}):
        assert inputs != inputs_of(replace(ORDER, **change), spec, bars, {"n_folds": 2})  # type: ignore[arg-type]
    assert inputs != inputs_of(ORDER, spec, bars.head(9), {"n_folds": 2})
