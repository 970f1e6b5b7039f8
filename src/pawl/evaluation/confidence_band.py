"""How far the confidence of recommendations lies from how often they were right."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pawl.evaluation.calibration import calibration_curve, ece
from pawl.evaluation.rates import wilson_interval

__all__ = ["Band", "ConfidenceBand", "confidence_band"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Recommendations whose confidence lies in [low, high); the last band is closed. All fractions."""

    low: float
    high: float
    n: int
    mean_confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceBand:
    """gap: mean confidence less accuracy, fraction: above 0 the model was surer than right. low, high: of the gap, from
    the 95 % Wilson interval of the accuracy. ece: expected calibration error. All None where n = 0. bands: those that
    hold a recommendation.
    """

    n: int
    mean_confidence: float | None = None
    accuracy: float | None = None
    gap: float | None = None
    low: float | None = None
    high: float | None = None
    ece: float | None = None
    bands: tuple[Band, ...] = ()


def confidence_band(rows: pl.DataFrame, since: datetime, now: datetime) -> ConfidenceBand:
    """Over every recommendation that carries a confidence and whose outcome became known from `since` to `now`; what
    the user traded of its own accord says nothing of the model. rows: BEHAVIOUR_SCHEMA.
    """
    known = rows.filter(
        pl.col("is_recommended").fill_null(value=False),
        pl.col("confidence").is_not_null(),
        pl.col("recommendation_hit").is_not_null(),
        pl.col("resolved_at").is_between(since, now),
    )
    if known.is_empty():
        return ConfidenceBand(n=0)
    confidence = known.get_column("confidence").to_numpy()
    hit = known.get_column("recommendation_hit").cast(pl.Float64).to_numpy()
    mean, accuracy, n_right = float(confidence.mean()), float(hit.mean()), int(hit.sum())
    low, high = wilson_interval(n_right, known.height)
    return ConfidenceBand(
        n=known.height,
        mean_confidence=mean,
        accuracy=accuracy,
        gap=mean - accuracy,
        low=mean - high,
        high=mean - low,
        ece=ece(confidence, hit),
        bands=tuple(
            Band(low=round(at, 6), high=round(to, 6), n=n, mean_confidence=told, accuracy=came)
            for at, to, n, told, came in calibration_curve(confidence, hit).iter_rows()
            if n
        ),
    )
