"""Undo the tilt of evened batches: from probabilities under equal classes to probabilities under the true shares."""

import numpy as np
import numpy.typing as npt

__all__ = ["class_shares", "correct_prior"]

Floats = npt.NDArray[np.float64]


def class_shares(labels: npt.NDArray[np.integer], n_classes: int) -> Floats:
    """Share of each class among labels, (n_classes,); of no labels, NaN.

    >>> class_shares(np.array([0, 2, 2, 2]), 3).tolist()
    [0.25, 0.0, 0.75]
    """
    counts = np.bincount(labels, minlength=n_classes).astype(np.float64)
    return counts / len(labels) if len(labels) else np.full(n_classes, np.nan)


def correct_prior(probabilities: npt.NDArray[np.floating], class_prior: Floats) -> Floats:
    """Probabilities as if trained on the classes as they came, (n, n_classes) float64 whose rows sum to 1.

    probabilities: (n, n_classes) of a model trained on even classes. class_prior: (n_classes,) shares of the training
    rows before they were evened; a class with share 0 was never seen and gets 0. NaN stays NaN.
    p'_k ∝ p_k · prior_k / even_k, even_k the same for all classes present (Saerens, Latinne, Decaestecker: Adjusting
    the outputs of a classifier to new a priori probabilities, Neural Computation 14, 2002, eq. 4).

    >>> correct_prior(np.array([[0.5, 0.5]]), np.array([0.9, 0.1])).tolist()
    [[0.9, 0.1]]
    """
    tilted = probabilities.astype(np.float64) * class_prior
    corrected: Floats = tilted / tilted.sum(axis=1, keepdims=True)
    return corrected
