"""How well the classes of a signal are told: precision, recall, F1 and the confusion matrix, each class counting once.

Accuracy misleads where most rows are `hold`: a model that always says so scores high. Macro figures are what is judged.
"""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from pawl.evaluation.classification import accuracy, class_recalls, confusion_matrix, macro_f1

__all__ = ["SignalFigures", "signal_figures"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalFigures:
    """Figures of n labelled rows. Class 0 is `hold`. NaN where there was nothing to measure.

    precision, recall, f1_score: macro. confusion: rows are true classes, columns told ones. non_hold_recall: share of
    the rows of the other classes that were told as their own. n_signals: rows on which anything but `hold` was said.
    """

    n: int
    precision: float
    recall: float
    f1_score: float
    accuracy: float
    non_hold_recall: float
    hold_share: float
    n_signals: int
    confusion: tuple[tuple[int, ...], ...]


def signal_figures(target: Ints, told: Ints, n_classes: int = 3) -> SignalFigures:
    """target, told: (n,) class ids. A class that is never told has precision 0; one that never was has no recall.

    >>> figures = signal_figures(np.array([0, 0, 1, 2]), np.array([0, 0, 1, 0]))
    >>> round(figures.f1_score, 4), figures.non_hold_recall, figures.accuracy
    (0.6, 0.5, 0.75)
    """
    matrix = confusion_matrix(target, told, n_classes)
    recalls = class_recalls(matrix)
    is_present = (matrix.sum(axis=0) + matrix.sum(axis=1)) > 0
    columns = matrix.sum(axis=0)
    precisions = np.divide(np.diagonal(matrix), columns, out=np.zeros(n_classes), where=columns > 0)
    other = int(matrix[1:].sum())
    n = len(target)
    return SignalFigures(
        n=n,
        precision=float(precisions[is_present].mean()) if n else nan,
        recall=float(recalls[~np.isnan(recalls)].mean()) if n else nan,
        f1_score=macro_f1(matrix),
        accuracy=accuracy(matrix),
        non_hold_recall=float(np.diagonal(matrix)[1:].sum()) / other if other else nan,
        hold_share=float(columns[0]) / n if n else nan,
        n_signals=int(columns[1:].sum()),
        confusion=tuple(tuple(int(cell) for cell in row) for row in matrix),
    )
