"""What every model of `reversal` answers, network or baseline, and how its classes are weighed in a fit."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pawl.labels.reversal import SIGNAL_CLASSES
from pawl.models.prior import class_shares
from pawl.models.sequences import Sequences

__all__ = ["N_CLASSES", "SignalAnswers", "SignalModel", "balanced_weights", "prior_of"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

N_CLASSES = len(SIGNAL_CLASSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalAnswers:
    """probabilities: (n, 3) of SIGNAL_CLASSES as if these were equally frequent. confidence: (n,) in [0, 1]."""

    probabilities: Floats
    confidence: Floats

    @property
    def signal_ids(self) -> Ints:
        """(n,) the likeliest class; of equal ones the first, which is `hold`."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)


class SignalModel(Protocol):
    """A fitted model. class_prior: (3,) shares of the classes among its fitted rows, before they were weighed."""

    @property
    def class_prior(self) -> Floats: ...

    def predict_ends(self, sequences: Sequences, ends: Ints) -> SignalAnswers:
        """Answers for the windows of unscaled values that end at these rows, in their order."""
        ...

    def importance(self) -> dict[str, float]: ...
    def to_files(self) -> dict[str, bytes]: ...


def prior_of(class_ids: Ints) -> Floats:
    """(3,) share of each class; class_ids: (n,) of 0, 1, 2.

    >>> prior_of(np.array([0, 0, 0, 2])).tolist()
    [0.75, 0.0, 0.25]
    """
    return class_shares(class_ids, N_CLASSES)


def balanced_weights(class_prior: Floats) -> Floats:
    """(3,) weights under which every class present counts the same, 1 on average over rows; 0 for one that is absent.

    >>> balanced_weights(np.array([0.5, 0.25, 0.25])).round(3).tolist()
    [0.667, 1.333, 1.333]
    """
    is_present = class_prior > 0
    weights: Floats = np.zeros(class_prior.size)
    weights[is_present] = 1.0 / (is_present.sum() * class_prior[is_present])
    return weights
