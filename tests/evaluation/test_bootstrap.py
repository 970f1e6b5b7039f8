"""Block bootstrap: what is drawn, how often its intervals hold, and pairs on the same days."""

from itertools import pairwise
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pawl.errors import InputError
from pawl.evaluation.bootstrap import (
    Blocks,
    Resampling,
    draw_days,
    interval,
    interval_over_rows,
    mean_of,
    net_return_of,
    paired_interval,
    ratio_of,
    sharpe_of,
)
from pawl.evaluation.trading import net_return, sharpe_ratio

plans = st.builds(
    Resampling, n_resamples=st.just(50), block_days=st.integers(1, 30), blocks=st.sampled_from(list(Blocks))
)


def lengths(days: np.ndarray, n: int) -> list[int]:
    """How long the stretches of following days are."""
    breaks = [0, *(at + 1 for at, (a, b) in enumerate(pairwise(days)) if b != (a + 1) % n), len(days)]
    return [end - begin for begin, end in pairwise(breaks)]


@settings(deadline=None)
@given(st.integers(1, 60), plans)
def test_every_resample_has_as_many_days_as_there_are(n: int, plan: Resampling) -> None:
    drawn = np.concatenate(list(draw_days(n, plan, np.random.default_rng(1))))
    assert drawn.shape == (50, n)
    assert drawn.min() >= 0
    assert drawn.max() < n


def test_blocks_are_as_long_as_asked(rng: np.random.Generator) -> None:
    moving = Resampling(block_days=7, blocks=Blocks.MOVING, n_resamples=200)
    for days in np.concatenate(list(draw_days(5000, moving, rng)))[:5]:
        assert all(length % 7 == 0 for length in lengths(days, 5000)[:-1])
    stationary = Resampling(block_days=7, n_resamples=200)
    drawn = np.concatenate(list(draw_days(5000, stationary, rng)))
    assert np.mean([np.mean(lengths(days, 5000)) for days in drawn[:20]]) == pytest.approx(7, rel=0.1)


def test_every_day_is_drawn_as_often_as_any_other(rng: np.random.Generator) -> None:
    for blocks in Blocks:
        plan = Resampling(n_resamples=20_000, block_days=3, blocks=blocks)
        counts = np.bincount(np.concatenate(list(draw_days(8, plan, rng))).ravel(), minlength=8)
        assert counts / counts.sum() == pytest.approx(np.full(8, 1 / 8), rel=0.03)


def test_long_histories_are_drawn_in_chunks_that_add_up(rng: np.random.Generator) -> None:
    chunks = list(draw_days(300_000, Resampling(n_resamples=20), rng))
    assert [len(chunk) for chunk in chunks] == [6, 6, 6, 2]


def test_intervals_of_independent_days_are_as_wide_as_theory_says(rng: np.random.Generator) -> None:
    days = rng.normal(0.001, 0.02, 2000)
    found = interval(days, mean_of, Resampling(n_resamples=2000, block_days=1), rng)
    half = 1.96 * days.std(ddof=1) / np.sqrt(2000)
    assert found.value == pytest.approx(days.mean())
    assert (found.low, found.high) == (
        pytest.approx(days.mean() - half, abs=0.1 * half),
        pytest.approx(days.mean() + half, abs=0.1 * half),
    )


def test_intervals_hold_the_truth_as_often_as_they_say_also_on_dependent_days() -> None:
    rng, held = np.random.default_rng(11), 0
    plan = Resampling(n_resamples=300, block_days=15, level=0.9)
    for _ in range(200):
        shocks = rng.normal(0, 1, 450)
        days = np.empty(450)
        days[0] = shocks[0]
        for at in range(1, 450):
            days[at] = 0.6 * days[at - 1] + shocks[at]
        found = interval(days[50:], mean_of, plan, rng)
        held += found.low <= 0 <= found.high
    assert 0.82 <= held / 200 <= 0.95  # single days would hold it in 0.6 of the cases


def test_a_pair_is_compared_on_the_same_days(rng: np.random.Generator) -> None:
    market = rng.normal(0, 0.05, 500)
    better = market + 0.001 + rng.normal(0, 0.001, 500)
    plan = Resampling(n_resamples=500)
    found = paired_interval(better, market, mean_of, plan, np.random.default_rng(1))
    assert 0 < found.low < found.value < found.high < 0.002
    alone = interval(better, mean_of, plan, np.random.default_rng(1))
    assert alone.low < 0 < alone.high


def test_a_pair_of_different_lengths_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="3 days cannot be paired with 2"):
        paired_interval(np.zeros(3), np.zeros(2), mean_of, Resampling(), rng)


def test_a_seed_repeats_the_interval() -> None:
    days = np.random.default_rng(3).normal(0, 1, 50)
    once, again = (interval(days, mean_of, Resampling(), np.random.default_rng(9)) for _ in range(2))
    assert once == again


def test_rows_are_drawn_with_all_that_happened_on_their_day(rng: np.random.Generator) -> None:
    day_of_row = np.array([5, 7, 5, 5, 9, 7])
    seen: list[tuple[int, ...]] = []

    def note(rows: np.ndarray) -> float:
        seen.append(tuple(np.bincount(rows, minlength=6)))
        return float(rows.size)

    found = interval_over_rows(day_of_row, note, Resampling(n_resamples=100, block_days=1), rng)
    assert found.value == 6
    for counts in seen:
        assert counts[0] == counts[2] == counts[3]
        assert counts[1] == counts[5]
        assert counts[0] + counts[1] + counts[4] == 3
    assert len(set(seen)) > 5


def test_rows_and_daily_sums_give_the_same_interval() -> None:
    rng = np.random.default_rng(2)
    day_of_row = np.sort(rng.integers(0, 40, 300))
    values = rng.normal(0, 1, 300)
    plan = Resampling(n_resamples=200)
    by_rows = interval_over_rows(day_of_row, lambda rows: float(values[rows].mean()), plan, np.random.default_rng(4))
    _, codes = np.unique(day_of_row, return_inverse=True)
    sums = np.stack([np.bincount(codes, values), np.bincount(codes)], axis=1)
    by_sums = interval(sums, ratio_of, plan, np.random.default_rng(4))
    assert (by_rows.low, by_rows.high) == pytest.approx((by_sums.low, by_sums.high))


def test_statistics_of_samples_are_those_of_each(rng: np.random.Generator) -> None:
    days = rng.normal(0.001, 0.02, (5, 100))
    assert sharpe_of(252)(days) == pytest.approx([sharpe_ratio(row, 252) for row in days])
    assert net_return_of(days) == pytest.approx([net_return(row) for row in days])
    assert np.isnan(sharpe_of(252)(np.full((3, 9), 0.1))).all()
    assert np.isnan(ratio_of(np.zeros((1, 4, 2)))).all()


def test_figures_that_mostly_do_not_exist_have_no_interval(rng: np.random.Generator) -> None:
    found = interval(np.full(20, 0.01), sharpe_of(365), Resampling(), rng)
    assert all(isnan(figure) for figure in (found.value, found.low, found.high))


def test_without_a_day_there_is_no_figure(rng: np.random.Generator) -> None:
    none = np.empty(0)
    for found in (
        interval(none, mean_of, Resampling(), rng),
        paired_interval(none, none, mean_of, Resampling(), rng),
        interval_over_rows(np.empty(0, np.int64), lambda rows: 1.0, Resampling(), rng),
    ):
        assert all(isnan(figure) for figure in (found.value, found.low, found.high))
    with pytest.raises(InputError, match="no day to draw from"):
        next(draw_days(0, Resampling(), rng))


def test_a_plan_that_means_nothing_is_refused() -> None:
    for wrong in ({"level": 1.0}, {"n_resamples": 1}, {"block_days": 0}, {"seed": 3}):
        with pytest.raises(ValidationError):
            Resampling.model_validate(wrong)
