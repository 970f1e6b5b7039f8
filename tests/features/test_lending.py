"""Lent memory: used again, and never seen by what was made of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl

from pawl.features.lending import forget, lending
from pawl.features.sets import build_dataset

Walk = Callable[..., pl.DataFrame]


def test_a_column_that_came_back_is_lent_again() -> None:
    forget()
    with lending(10) as lend:
        first = lend()
    with lending(8) as lend:
        second, third = lend(), lend()

    assert np.shares_memory(first, second)
    assert not np.shares_memory(second, third)
    assert second.shape == (8,)


def test_a_column_that_is_too_short_is_not_lent() -> None:
    forget()
    with lending(3) as lend:
        lend()
    with lending(5) as lend:
        assert lend().shape == (5,)


def test_features_of_one_frame_stay_when_those_of_another_are_computed(walk: Walk) -> None:
    first = build_dataset(walk(300, 1)).collect()
    copy = first.clone().to_dicts()
    build_dataset(walk(300, 2)).collect()

    assert first.to_dicts() == copy


def test_computations_in_several_threads_do_not_meddle_with_each_other(walk: Walk) -> None:
    frames = [walk(400, seed) for seed in range(6)]
    expected = [build_dataset(frame).collect() for frame in frames]
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda frame: build_dataset(frame).collect(), frames * 3))

    assert all(each.equals(expected[number % 6]) for number, each in enumerate(found))
