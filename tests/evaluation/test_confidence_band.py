"""The confidence band: mean confidence less accuracy, over recommendations with an outcome that is known."""

from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

from behaviour_rows import NOW, START, drawn_user, trades
from pawl.evaluation.confidence_band import ConfidenceBand, confidence_band


def test_the_gap_is_that_of_a_plain_sum(rng: np.random.Generator) -> None:
    rows = drawn_user(rng).with_columns(confidence=rng.uniform(0.4, 0.9, 300))
    band = confidence_band(rows, START, NOW)
    hits = rows["recommendation_hit"].sum()
    interval = stats.binomtest(int(hits), 300).proportion_ci(0.95, method="wilson")
    told = float(np.mean(rows["confidence"].to_list()))
    assert band.gap == pytest.approx(told - hits / 300)
    assert (band.low, band.high) == pytest.approx((told - interval.high, told - interval.low))
    assert band.n == 300 == sum(one.n for one in band.bands)
    assert band.ece == pytest.approx(sum(one.n / 300 * abs(one.mean_confidence - one.accuracy) for one in band.bands))


def test_only_recommendations_with_a_confidence_and_a_known_outcome_count() -> None:
    told: dict[str, object] = {"is_recommended": True, "confidence": 0.9}
    rows = trades(
        told, {**told, "recommendation_hit": False}, {**told, "is_recommended": False}, {**told, "confidence": None},
        {**told, "recommendation_hit": None, "resolved_at": None}, {**told, "resolved_at": NOW + timedelta(seconds=1)},
    )  # fmt: skip
    band = confidence_band(rows, START, NOW)
    assert (band.n, band.accuracy) == (2, 0.5)
    assert band.gap == pytest.approx(0.4)


def test_nothing_recommended_is_no_gap() -> None:
    assert confidence_band(trades({}), START, NOW) == ConfidenceBand(n=0)
    assert confidence_band(trades({"is_recommended": True}), START, START).n == 0
    assert confidence_band(trades({"is_recommended": True}), NOW, NOW).n == 0
