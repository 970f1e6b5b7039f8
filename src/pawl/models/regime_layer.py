"""Layer 1 of m002: probabilities that no training row has had a hand in, and the classifier that serves.

A head that learns from probabilities of a classifier fitted on the same rows learns to trust what it will never see
again. So the head's training rows get theirs from classifiers fitted on older rows only (forward chaining), and all
later rows from the one classifier that was fitted before the split.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from safetensors.numpy import load, save

from pawl.models.exact_json import from_exact_json, to_exact_json
from pawl.models.regime_classifier import (
    RegimeClassifier,
    RegimeFit,
    RegimeFitSpec,
    ends_among,
    fit_regime_classifier,
)
from pawl.models.sequences import Sequences

__all__ = ["RegimeFold", "RegimeLayer", "RegimePlan", "fit_regime_layer"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeFold:
    """Rows, (n_rows,) bool each: what a classifier is fitted on, what picks its snapshot, what it answers for."""

    fitted: Mask
    snapshot: Mask
    answered: Mask


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimePlan:
    """Which rows make which classifier: the folds, oldest first, and the classifier that serves."""

    folds: tuple[RegimeFold, ...]
    serving: RegimeFold


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeLayer:
    """The fitted layer.

    ends, probabilities: (n,) rows and (n, 5) states measured on training rows by a classifier that has not seen them.
    """

    classifier: RegimeClassifier
    ends: Rows
    probabilities: Floats
    metrics: Mapping[str, float]

    def to_files(self) -> dict[str, bytes]:
        """The classifier's files, the out-of-fold probabilities and the metrics."""
        return {
            **self.classifier.to_files(),
            "out_of_fold.safetensors": save({"ends": self.ends, "probabilities": self.probabilities}),
            "regime_metrics.json": to_exact_json({k: v if math.isfinite(v) else None for k, v in self.metrics.items()}),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """From what `to_files` gave."""
        arrays = load(files["out_of_fold.safetensors"])
        stored = from_exact_json(files["regime_metrics.json"], "regime_metrics.json")
        return cls(
            classifier=RegimeClassifier.from_files(files),
            ends=arrays["ends"],
            probabilities=arrays["probabilities"],
            metrics={k: math.nan if v is None else v for k, v in stored.items()},
        )


def fit_regime_layer(
    sequences: Sequences,
    state_ids: npt.NDArray[np.int64],
    plan: RegimePlan,
    spec: RegimeFitSpec,
    on_progress: Callable[[str, float], None],
) -> RegimeLayer:
    """Fit the folds and the serving classifier, each in a worker of its own with a seed of its own.

    The result is the same for any number of workers.
    """
    plans = [*plan.folds, plan.serving]
    fits: list[RegimeFit] = []
    on_progress("regime classifiers", 0.0)
    for done in Parallel(return_as="generator")(
        delayed(fit_regime_classifier)(
            sequences, state_ids, fitted=fold.fitted, snapshot=fold.snapshot, spec=_seeded(spec, number)
        )
        for number, fold in enumerate(plans)
    ):
        fits.append(done)
        on_progress("regime classifiers", len(fits) / len(plans))
    *fold_fits, serving = fits
    ends = [ends_among(sequences, fold.answered) for fold in plan.folds]
    answers = [fit.classifier.predict_ends(sequences, rows) for fit, rows in zip(fold_fits, ends, strict=True)]
    return RegimeLayer(
        classifier=serving.classifier,
        ends=np.concatenate(ends),
        probabilities=np.concatenate(answers),
        metrics=serving.metrics,
    )


def _seeded(spec: RegimeFitSpec, number: int) -> RegimeFitSpec:
    return RegimeFitSpec(features=spec.features, config=spec.config, seed=spec.seed * 1000 + number)
