"""How well probabilities rank and how well classes are told apart. Nothing to measure gives NaN, which a gate fails."""

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "accuracy",
    "average_precision",
    "class_recalls",
    "confusion_matrix",
    "log_loss",
    "macro_f1",
    "roc_auc",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NAN = float("nan")


def average_precision(target: Floats, probability: Floats) -> float:
    """Area under the precision-recall steps: Σ (recall_i − recall_{i−1}) · precision_i, ties taken together.

    target: (n,) of 0 or 1. probability: (n,), higher means more likely. No positive, or a NaN, gives NaN.

    >>> round(average_precision(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.35, 0.8])), 4)
    0.8333
    """
    if not _is_sound(target, probability):
        return NAN
    hits, picked = _hits_by_threshold(target, probability)
    if hits[-1] == 0:
        return NAN
    return float((np.diff(hits, prepend=0.0) * hits / picked).sum() / hits[-1])


def roc_auc(target: Floats, probability: Floats) -> float:
    """Chance that a positive is ranked above a negative, a tie counting half. One class alone, or a NaN, gives NaN.

    >>> roc_auc(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    if not _is_sound(target, probability):
        return NAN
    hits, picked = _hits_by_threshold(target, probability)
    misses = picked - hits
    if hits[-1] == 0 or misses[-1] == 0:
        return NAN
    above = np.concatenate(([0.0], hits))
    area = (np.diff(misses, prepend=0.0) * (above[1:] + above[:-1]) / 2).sum()
    return float(area / (hits[-1] * misses[-1]))


def _is_sound(target: Floats, probability: Floats) -> bool:
    return target.size > 0 and not (np.isnan(target).any() or np.isnan(probability).any())


def _hits_by_threshold(target: Floats, probability: Floats) -> tuple[Floats, Floats]:
    """Positives and rows at or above each distinct probability, from the highest down."""
    order = np.argsort(-probability, kind="stable")
    ranked = probability[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), ranked.size - 1)
    hits = np.cumsum(target[order], dtype=np.float64)[ends]
    return hits, ends + 1.0


def confusion_matrix(target: Ints, predicted: Ints, n_classes: int) -> Ints:
    """(n_classes, n_classes) counts: rows are true classes, columns predicted ones.

    >>> confusion_matrix(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    cells = np.bincount(target * n_classes + predicted, minlength=n_classes * n_classes)
    return cells.reshape(n_classes, n_classes).astype(np.int64)


def class_recalls(matrix: Ints) -> Floats:
    """(n_classes,) share of each true class that was told; NaN for a class without a row.

    >>> class_recalls(np.array([[1, 0], [1, 1]])).tolist()
    [1.0, 0.5]
    """
    rows = matrix.sum(axis=1)
    recalls: Floats = np.divide(np.diagonal(matrix), rows, out=np.full(rows.shape, NAN), where=rows > 0)
    return recalls


def accuracy(matrix: Ints) -> float:
    """Share of rows whose class was told; no row gives NaN.

    >>> round(accuracy(np.array([[1, 0], [1, 1]])), 4)
    0.6667
    """
    total = int(matrix.sum())
    return float(np.trace(matrix)) / total if total else NAN


def macro_f1(matrix: Ints) -> float:
    """Mean over the classes, true or predicted at least once, of 2 · told / (true + predicted); no row gives NaN.

    >>> round(macro_f1(np.array([[1, 0], [1, 1]])), 4)
    0.6667
    """
    spread = matrix.sum(axis=0) + matrix.sum(axis=1)
    present = spread > 0
    return float((2 * np.diagonal(matrix)[present] / spread[present]).mean()) if present.any() else NAN


def log_loss(target: Ints, probabilities: Floats) -> float:
    """Mean of −log(probability given to the true class), in nats; empty, or a NaN, gives NaN.

    target: (n,) class ids. probabilities: (n, n_classes), rows that sum to 1; a zero counts as the smallest float step.

    >>> round(log_loss(np.array([0, 1]), np.array([[0.5, 0.5], [0.2, 0.8]])), 4)
    0.4581
    """
    if not target.size or np.isnan(probabilities).any():
        return NAN
    told = probabilities[np.arange(target.size), target]
    return float(-np.log(np.clip(told, np.finfo(np.float64).eps, 1.0)).mean())
