"""Events and tags, against loops over rows."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from pawl.features.sets import build_dataset

Walk = Callable[..., pl.DataFrame]


@pytest.fixture(scope="module")
def frame(walk: Walk) -> pl.DataFrame:
    return build_dataset(walk(1500, seed=8)).collect()


def values(frame: pl.DataFrame, name: str) -> np.ndarray:
    return frame.get_column(name).cast(pl.Float64).to_numpy()


def test_a_volume_regain_is_the_first_day_back_after_a_lull(frame: pl.DataFrame) -> None:
    ratio = values(frame, "volume_ratio_20")
    found = frame.get_column("event_volume_regain")

    expected = [ratio[t] >= 1 and ratio[t - 1] < 1 and ratio[t - 5 : t].min() < 0.8 for t in range(25, 1500)]
    assert found[25:].to_list() == expected
    assert 50 < found.sum() < 700


def test_a_rebound_candidate_has_fallen_is_weak_and_turns(frame: pl.DataFrame) -> None:
    close, rsi, accel = (values(frame, name) for name in ("close", "rsi_smooth", "price_accel"))
    found = frame.get_column("event_rebound_candidate")

    expected = [
        close[t] / close[t - 19 : t + 1].max() - 1 <= -0.08 and rsi[t] < 40 and accel[t] > 0 for t in range(40, 1500)
    ]
    assert found[40:].to_list() == expected
    assert found.sum() > 20


def test_a_breakdown_breaks_the_support_or_falls_with_its_means(frame: pl.DataFrame) -> None:
    close, low, spread, ret_5 = (values(frame, name) for name in ("close", "low", "ema_spread_rel", "ret_5"))
    found = frame.get_column("event_breakdown_risk")

    expected = []
    for t in range(60, 1500):
        is_falling = spread[t] < 0 and close[t] < close[t - 59 : t + 1].mean() and ret_5[t] < -0.03
        expected.append(close[t] < low[t - 20 : t].min() or is_falling)
    assert found[60:].to_list() == expected
    assert 50 < found.sum() < 1000


def test_tags_count_breakdowns_and_pair_regains_with_spikes(frame: pl.DataFrame) -> None:
    risk, curvature = values(frame, "event_breakdown_risk"), values(frame, "curv_2")
    regain, spike = values(frame, "event_volume_regain"), values(frame, "event_local_vol_spike")
    days = [risk[t - 9 : t + 1].sum() for t in range(80, 1500)]
    tags = [frame.get_column(name)[80:].to_list() for name in ("I_bd_early", "I_bd_late", "I_vr_and_vs")]

    assert tags[0] == [risk[t] == 1 and n <= 3 for t, n in zip(range(80, 1500), days, strict=True)]
    assert tags[1] == [n >= 5 and curvature[t] > 0 for t, n in zip(range(80, 1500), days, strict=True)]
    assert tags[2] == [regain[t - 2 : t + 1].any() and spike[t - 2 : t + 1].any() for t in range(80, 1500)]
    assert all(sum(tag) > 10 for tag in tags)


def test_an_event_is_null_while_it_cannot_be_told(frame: pl.DataFrame) -> None:
    for name in ("event_local_vol_spike", "event_volume_regain", "event_rebound_candidate", "event_breakdown_risk"):
        column = frame.get_column(name)
        assert column[:5].null_count() == 5, name
        assert column[60:].null_count() == 0, name
