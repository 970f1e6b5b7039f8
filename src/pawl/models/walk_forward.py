"""One model a walk-forward window, fitted one after the other or side by side."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from pawl.evaluation.splits import Split

__all__ = ["fit_walk_forward"]

Model = TypeVar("Model")
Floats = npt.NDArray[np.float64]


def fit_walk_forward(
    x: Floats, y: Floats, splits: Sequence[Split], fit: Callable[[Floats, Floats], Model], n_jobs: int | None = None
) -> list[Model]:
    """Fit one model on the train side of every split, in their order.

    x: (n_rows, n_features). y: (n_rows,). fit: from rows and targets to a model, with one thread; it must survive
    pickling when there is more than one worker, and so must the model. n_jobs: workers; None takes what the shell has
    set around the call (see joblib.parallel_config), one process where nothing is set. The models do not depend on it.

    >>> halves = [Split(np.array([0, 1]), np.array([2])), Split(np.array([1, 2]), np.array([3]))]
    >>> fit_walk_forward(np.zeros((4, 1)), np.array([1.0, 2.0, 4.0, 8.0]), halves, lambda x, y: float(y.mean()))
    [1.5, 3.0]
    """
    # The whole matrix is handed on, not its parts: joblib writes it once to shared memory for all workers.
    return list(Parallel(n_jobs=n_jobs)(delayed(_fit_on)(x, y, split.train, fit) for split in splits))


def _fit_on(x: Floats, y: Floats, rows: npt.NDArray[np.int64], fit: Callable[[Floats, Floats], Model]) -> Model:
    return fit(x[rows], y[rows])
