"""Layer 1 of m002: probabilities that no training row has had a hand in, and the classifier that serves.

A head that learns from probabilities of a classifier fitted on the same rows learns to trust what it will never see
again. So the head's training rows get theirs from classifiers fitted on older rows only (forward chaining), and all
later rows from the one classifier that was fitted before the split.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from pawl.models.regime_classifier import (
    RegimeClassifier,
    RegimeFit,
    RegimeFitSpec,
    RegimeRows,
    fit_regime_classifier,
)

__all__ = ["RegimeLayer", "RegimePlan", "fit_regime_layer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimePlan:
    """Which rows fit which classifier. Each split's train holds two parts: what is fitted, and what picks the snapshot.

    folds: (fit, snapshot, predicted) rows as bool masks, oldest first. final: (fit, snapshot) of the serving one.
    """

    folds: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]
    final: tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeLayer:
    """The fitted layer.

    ends, probabilities: (n,) rows and (n, 5) states measured on training rows by a classifier that has not seen them.
    """

    classifier: RegimeClassifier
    ends: np.ndarray
    probabilities: np.ndarray
    metrics: Mapping[str, float]

    def to_files(self) -> dict[str, bytes]:
        """The classifier's files, the out-of-fold probabilities and the metrics."""
        from safetensors.numpy import save

        return {
            **self.classifier.to_files(),
            "out_of_fold.safetensors": save({"ends": self.ends, "probabilities": self.probabilities}),
            "regime_metrics.json": json.dumps(dict(self.metrics), sort_keys=True).encode(),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """From what `to_files` gave."""
        from safetensors.numpy import load

        arrays = load(files["out_of_fold.safetensors"])
        return cls(
            classifier=RegimeClassifier.from_files(files),
            ends=arrays["ends"],
            probabilities=arrays["probabilities"],
            metrics=json.loads(files["regime_metrics.json"]),
        )


def fit_regime_layer(
    rows: RegimeRows,
    state_ids: np.ndarray,
    plan: RegimePlan,
    spec: RegimeFitSpec,
    on_progress: Callable[[str, float], None],
) -> RegimeLayer:
    """Fit the folds and the serving classifier, each in a worker of its own with a seed of its own.

    The result is the same for any number of workers.
    """
    from joblib import Parallel, delayed

    jobs = [(fit, snapshot) for fit, snapshot, _ in plan.folds] + [plan.final]
    fits: list[RegimeFit] = []
    for done in Parallel(return_as="generator")(
        delayed(fit_regime_classifier)(
            rows, state_ids, train=fit, valid=snapshot, spec=_seeded(spec, number)
        )
        for number, (fit, snapshot) in enumerate(jobs)
    ):
        fits.append(done)
        on_progress(f"regime classifier {len(fits)} of {len(jobs)}", len(fits) / len(jobs))
    *fold_fits, final = fits
    measured = [
        fitted.classifier.predict_rows(rows, rows.ends_among(predicted))
        for fitted, (_, _, predicted) in zip(fold_fits, plan.folds, strict=True)
    ]
    return RegimeLayer(
        classifier=final.classifier,
        ends=np.concatenate([ends for ends, _ in measured]) if measured else np.empty(0, dtype=np.int64),
        probabilities=np.concatenate([p for _, p in measured]) if measured else np.empty((0, 5)),
        metrics=final.metrics,
    )


def _seeded(spec: RegimeFitSpec, number: int) -> RegimeFitSpec:
    return RegimeFitSpec(features=spec.features, config=spec.config, seed=spec.seed * 1000 + number)
