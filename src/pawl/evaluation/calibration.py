"""Whether a probability means what it says. Nothing to measure gives NaN, which a gate reads as fail."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["brier", "calibration_curve", "ece"]

Floats = NDArray[np.float64]


def brier(confidence: Floats, hit: Floats) -> float:
    """Mean squared distance of confidence and outcome: 0 is perfect, 0.25 is what 0.5 everywhere gives.

    confidence: (n,) in [0, 1]. hit: (n,) of 0 or 1. n = 0 or a NaN gives NaN.
    (Verification of forecasts expressed in terms of probability, Monthly Weather Review 1950.)

    >>> round(brier(np.array([0.9, 0.2]), np.array([1.0, 0.0])), 3)
    0.025
    """
    return float(np.mean((confidence - hit) ** 2)) if confidence.size else float("nan")


def ece(confidence: Floats, hit: Floats, bins: int = 10) -> float:
    """Expected calibration error: 0 is honest, 1 is the worst.

    confidence: (n,) in [0, 1]. hit: (n,) of 0 or 1. n = 0 or a NaN gives NaN.
    Σ_b (n_b / n) · |mean hit_b − mean confidence_b|, equal-width bins [low, high), the last one closed
    (Obtaining well calibrated probabilities, AAAI 2015).

    >>> round(ece(np.array([0.9, 0.9, 0.1, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])), 3)
    0.1
    """
    if not _is_sound(confidence, hit):
        return float("nan")
    _, told, came = _sums(confidence, hit, bins)
    return float(np.abs(came - told).sum() / confidence.size)


def calibration_curve(confidence: Floats, hit: Floats, bins: int = 10) -> pl.DataFrame:
    """One row a bin of equal width: low, high, n, mean_probability, hit_share (both NaN where n = 0).

    A NaN among the values is an empty curve: no rows.

    >>> calibration_curve(np.array([0.2, 0.8, 1.0]), np.array([0.0, 1.0, 0.0]), bins=2).row(1)
    (0.5, 1.0, 2, 0.9, 0.5)
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    if not _is_sound(confidence, hit):
        confidence, hit, edges = confidence[:0], hit[:0], edges[:1]
    n, told, came = _sums(confidence, hit, edges.size - 1)
    held = n > 0
    return pl.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "n": n,
            "mean_probability": np.divide(told, n, out=np.full(n.size, np.nan), where=held),
            "hit_share": np.divide(came, n, out=np.full(n.size, np.nan), where=held),
        }
    )


def _is_sound(confidence: Floats, hit: Floats) -> bool:
    return confidence.size > 0 and not (np.isnan(confidence).any() or np.isnan(hit).any())


def _sums(confidence: Floats, hit: Floats, bins: int) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Count, sum of the confidences and sum of the hits of every bin."""
    if not bins:
        return np.empty(0, np.int64), np.empty(0), np.empty(0)
    # Compared with the edges themselves: confidence × bins rounds 0.7 × 10 and the like into the wrong bin.
    bin_of = np.clip(np.searchsorted(np.linspace(0.0, 1.0, bins + 1), confidence, side="right") - 1, 0, bins - 1)
    return (
        np.bincount(bin_of, minlength=bins).astype(np.int64),
        np.bincount(bin_of, confidence, minlength=bins).astype(np.float64),
        np.bincount(bin_of, hit, minlength=bins).astype(np.float64),
    )
