"""How often, and how long ago."""

from collections.abc import Callable

import polars as pl
import pytest

from pawl.features.sets import build_dataset

Walk = Callable[..., pl.DataFrame]


@pytest.fixture(scope="module")
def frame(walk: Walk) -> pl.DataFrame:
    # Long calm spells between the regains, so that the cap is reached.
    bars = walk(900, seed=5).with_columns(
        pl.when((pl.int_range(pl.len()) // 150) % 2 == 1).then(1000.0).otherwise("volume").alias("volume")
    )
    return build_dataset(bars).collect()


def test_m002_r4_days_since_a_regain_counts_from_0_to_60_and_is_60_before_any(frame: pl.DataFrame) -> None:
    events = frame.get_column("event_volume_regain").to_list()
    expected, since = [], 60
    for event in events:
        since = 0 if event else min(since + 1, 60)
        expected.append(since)

    found = frame.get_column("days_since_volume_regain")
    assert found.to_list() == expected
    assert found[0] == 60 and events[0] is None
    assert 60 in found[200:] and 0 in found


def test_m002_r5_the_count_of_regains_is_a_count_by_hand(frame: pl.DataFrame) -> None:
    events = frame.get_column("event_volume_regain").to_list()
    found = frame.get_column("event_volume_regain_freq20").to_list()

    for row in range(900):
        window = events[max(0, row - 19) : row + 1]
        is_known = len(window) == 20 and None not in window
        assert found[row] == (sum(window) if is_known else None)
    assert max(filter(None, found)) >= 3
