"""Behaviour: planted vices are found, nobody without one is accused, and the future is not read."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from behaviour_rows import NOW, START, drawn_user, trades
from pawl.evaluation.behaviour import Behaviour, PatternVerdict, Progress, measure_behaviour, week_start
from pawl.evaluation.behaviour_patterns import PATTERNS, PatternLimits
from pawl.evaluation.behaviour_settings import BehaviourSettings
from pawl.policy.risk_rules import RiskLimits

LIMITS = PatternLimits(behaviour=BehaviourSettings(), risk=RiskLimits())
LOST: dict[str, object] = {"pnl_bps": -50.0, "exit_price": 99.5}


def measured(rows: pl.DataFrame) -> dict[str, Behaviour]:
    """By pattern."""
    return {one.pattern: one for one in measure_behaviour(rows, LIMITS, START, NOW)}


def shown(rows: pl.DataFrame) -> set[str]:
    """The patterns that are named a weakness."""
    return {name for name, one in measured(rows).items() if one.verdict is PatternVerdict.SHOWN}


def test_a_user_without_a_vice_is_accused_of_none(rng: np.random.Generator) -> None:
    assert [shown(drawn_user(rng, n)) for n in (30, 100, 300) for _ in range(30)] == [set()] * 90


def _chase(rows: pl.DataFrame) -> pl.DataFrame:
    sign = pl.when(pl.col("side") == "long").then(1.0).otherwise(-1.0)
    return rows.with_columns(stretch=sign * pl.col("stretch").abs() + sign)


def _delay(rows: pl.DataFrame) -> pl.DataFrame:
    is_long = pl.col("side") == "long"
    worse = pl.when(is_long).then(97.0).otherwise(103.0)
    return rows.with_columns(exit_price=pl.when(pl.col("pnl_bps") < -60).then(worse).otherwise(pl.col("exit_price")))


def _hold(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(hold_sec=pl.when(pl.col("pnl_bps") < 0).then(20_000.0).otherwise(pl.col("hold_sec")))


def _avenge(rows: pl.DataFrame) -> pl.DataFrame:
    every_second: list[dict[str, object]] = []
    for number in range(150):
        lost = number % 2 == 0
        every_second.append({"hours": 12 * number, **(LOST if lost else {})})
        every_second.append({"hours": 12 * number + 1.5, "size": 3000.0 if lost else 1000.0})
    return trades(*every_second)


VICES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "chasing_overbought": _chase,
    "delayed_stops": _delay,
    "over_leverage": lambda rows: rows.with_columns(leverage=pl.col("leverage") * 5),
    "no_stop_loss": lambda rows: rows.with_columns(
        stop_price=pl.when(pl.col("size") < 1000).then(None).otherwise(pl.col("stop_price"))
    ),
    "revenge_trading": _avenge,
    "holding_losers": _hold,
    "overriding_right_calls": lambda rows: rows.with_columns(
        recommendation_hit=pl.when(pl.col("pnl_bps") > -80).then(True).otherwise(False)
    ),
}


@pytest.mark.parametrize("vice", VICES)
def test_a_planted_vice_is_found_and_no_other(vice: str, rng: np.random.Generator) -> None:
    assert shown(VICES[vice](drawn_user(rng))) == {vice}


def test_a_habit_of_after_wins_too_is_no_revenge() -> None:
    changed: list[dict[str, object]] = []
    for number in range(200):
        changed.append({"hours": 9 * number, **(LOST if number % 2 else {})})
        changed.append({"hours": 9 * number + 1.5, "size": 3000.0, "pnl_bps": 0.0})
    assert "revenge_trading" not in shown(trades(*changed))


def test_the_order_of_the_rows_says_nothing(rng: np.random.Generator) -> None:
    rows = drawn_user(rng)
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=5)
    assert measured(shuffled) == measured(rows)


def test_what_comes_after_now_changes_nothing(rng: np.random.Generator) -> None:
    now = START + timedelta(weeks=6)
    # Held for days, so that several trades that were open at that time end later.
    rows = drawn_user(rng).with_columns(
        hold_sec=200_000.0, resolved_at=pl.col("opened_at") + pl.duration(seconds=200_001)
    )
    known = rows.filter(pl.col("opened_at") <= now).with_columns(
        pl.when(pl.col("resolved_at") <= now).then(pl.col(name)).alias(name)
        for name in ("pnl_bps", "hold_sec", "exit_price", "recommendation_hit")
    )
    assert known["pnl_bps"].null_count() > 3
    assert measure_behaviour(rows, LIMITS, START, now) == measure_behaviour(known, LIMITS, START, now)


def test_the_figures_of_a_pattern_are_those_of_its_trades(rng: np.random.Generator) -> None:
    rows = VICES["no_stop_loss"](drawn_user(rng))
    one = measured(rows)["no_stop_loss"]
    bare, covered = (rows.filter(pl.col("stop_price").is_null() == is_bare) for is_bare in (True, False))
    assert (one.n_exposures, one.n_occurrences) == (rows.height, bare.height)
    assert one.rate == bare.height / rows.height
    interval = stats.binomtest(bare.height, rows.height).proportion_ci(0.95, method="wilson")
    assert (one.rate_low, one.rate_high) == pytest.approx((interval.low, interval.high))
    welch = stats.ttest_ind(bare["pnl_bps"], covered["pnl_bps"], equal_var=False)
    reach = stats.norm.ppf(0.975) * (bare["pnl_bps"].mean() - covered["pnl_bps"].mean()) / welch.statistic
    assert one.pnl_gap.mean_bps == pytest.approx(bare["pnl_bps"].mean() - covered["pnl_bps"].mean())
    assert one.pnl_gap.high_bps - one.pnl_gap.mean_bps == pytest.approx(reach)
    assert (one.pnl_gap.n_occurrences, one.pnl_gap.n_others) == (bare.height, covered.height)


def test_every_week_has_its_rate_and_its_sample(rng: np.random.Generator) -> None:
    rows = VICES["no_stop_loss"](drawn_user(rng))
    weeks = measured(rows)["no_stop_loss"].weeks
    for number, week in enumerate(weeks):
        opened = rows.filter(pl.col("opened_at").is_between(week.week, week.week + timedelta(weeks=1), closed="left"))
        assert week.week == START + timedelta(weeks=number)
        assert (week.n_exposures, week.n_occurrences) == (opened.height, opened["stop_price"].null_count())
    assert len(weeks) == 12


@pytest.mark.parametrize(("first", "then", "expected"), [(0, 1, Progress.WORSE), (1, 0, Progress.BETTER)])
def test_progress_is_the_newest_weeks_against_those_before(first: int, then: int, expected: Progress) -> None:
    def is_bare(day: int) -> bool:
        return day % 2 == 0 and bool(first if day < 8 * 7 else then)

    rows = trades(*({"hours": 24 * day, "stop_price": None if is_bare(day) else 98.0} for day in range(83)))
    change = measured(rows)["no_stop_loss"].change
    assert (change.progress, change.n_before, change.n_recent) == (expected, 56, 27)
    assert change.low is not None and change.high is not None and change.low * change.high > 0


def test_a_steady_habit_is_no_progress_and_an_empty_half_none_to_speak_of() -> None:
    assert measured(trades(*({"hours": 24 * day} for day in range(83))))["no_stop_loss"].change.progress is (
        Progress.STEADY
    )
    assert measured(trades(*({"hours": day} for day in range(83))))["no_stop_loss"].change.progress is Progress.TOO_FEW


def test_few_occasions_are_not_judged_however_bad() -> None:
    bare: dict[str, object] = {"stop_price": None}
    assert measured(trades(*[bare] * 19))["no_stop_loss"].verdict is PatternVerdict.TOO_FEW
    assert measured(trades(*[bare] * 20))["no_stop_loss"].verdict is PatternVerdict.SHOWN


def test_a_rule_that_is_kept_is_said_to_be_kept() -> None:
    assert measured(trades(*[{}] * 150))["no_stop_loss"].verdict is PatternVerdict.KEPT
    assert measured(trades(*[{}] * 30))["no_stop_loss"].verdict is PatternVerdict.UNCLEAR


def test_a_window_that_begins_in_the_middle_of_a_week_counts_from_there() -> None:
    rows = trades(*({"hours": 24 * day, "stop_price": None} for day in range(21)))
    one = measure_behaviour(rows, LIMITS, START + timedelta(days=10), START + timedelta(days=19))[3]
    assert [(week.n_exposures, week.week) for week in one.weeks] == [
        (4, START + timedelta(weeks=1)),
        (6, START + timedelta(weeks=2)),
    ]


def test_every_occurrence_names_the_trajectories_that_show_it() -> None:
    one = measured(trades({"stop_price": None}, {}, {"stop_price": None}))["no_stop_loss"]
    assert [occurrence.trajectory_ids for occurrence in one.occurrences] == [("t00002",), ("t00000",)]
    assert [occurrence.trajectory_ids for occurrence in one.others] == [("t00001",)]


def test_the_window_begins_on_a_monday_and_forgets_what_was_before() -> None:
    old = trades(*({"hours": -24 * (day + 1), "stop_price": None} for day in range(40)))
    assert week_start(NOW, 11) == START
    assert measured(old)["no_stop_loss"].n_exposures == 0
    assert set(measured(old)) == set(PATTERNS)
