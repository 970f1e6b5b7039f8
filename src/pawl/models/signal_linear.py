"""The linear baseline of `reversal`: multinomial logistic regression on the newest bar's features."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from pawl.errors import CorruptArtifactError, TooLittleDataError
from pawl.models.exact_json import from_exact_json, to_exact_json
from pawl.models.linear_config import LinearConfig
from pawl.models.scaler import Standardiser
from pawl.models.sequences import Sequences
from pawl.models.signal_answers import N_CLASSES, SignalAnswers, prior_of

__all__ = ["LinearSignals", "fit_linear_signals"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FILE = "linear_signals.json"
FIX = "fetch or train the version again"


@dataclass(frozen=True, slots=True)
class LinearSignals:
    """One linear function of the standardised features a class. coefficients: (3, n_features). intercepts: (3,)."""

    features: tuple[str, ...]
    standardiser: Standardiser
    coefficients: Floats
    intercepts: Floats
    class_prior: Floats

    def predict_ends(self, sequences: Sequences, ends: Ints) -> SignalAnswers:
        """From the newest bar of each window; the confidence is the probability of the likeliest class."""
        scaled = (sequences.values[ends].astype(np.float64) - self.standardiser.mean) / self.standardiser.scale
        # Sums over features, row by row, and no matrix product: they round the same however many rows stand beside.
        scores = np.column_stack([(scaled * weights).sum(axis=1) for weights in self.coefficients]) + self.intercepts
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        probabilities = odds / odds.sum(axis=1, keepdims=True)
        return SignalAnswers(probabilities=probabilities, confidence=probabilities.max(axis=1))

    def importance(self) -> dict[str, float]:
        """Mean size over the classes of each standardised feature's coefficient."""
        return dict(zip(self.features, np.abs(self.coefficients).mean(axis=0).tolist(), strict=True))

    def to_files(self) -> dict[str, bytes]:
        """One JSON file."""
        stored = {
            "features": list(self.features),
            "standardiser": self.standardiser.to_dict(),
            "coefficients": self.coefficients.tolist(),
            "intercepts": self.intercepts.tolist(),
            "class_prior": self.class_prior.tolist(),
        }
        return {FILE: to_exact_json(stored)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "LinearSignals":
        """What `to_files` gave. CorruptArtifactError when it is missing or not that."""
        if FILE not in files:
            raise CorruptArtifactError("missing file", where=FILE, fix=FIX)
        stored = from_exact_json(files[FILE], FILE)
        try:
            features = tuple(stored["features"])
            return cls(
                features,
                Standardiser.from_dict(stored["standardiser"]),
                np.array(stored["coefficients"], np.float64).reshape(N_CLASSES, len(features)),
                np.array(stored["intercepts"], np.float64).reshape(N_CLASSES),
                np.array(stored["class_prior"], np.float64).reshape(N_CLASSES),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptArtifactError(f"unusable content: {error}", where=FILE, fix=FIX) from error


def fit_linear_signals(
    features: tuple[str, ...], rows: npt.NDArray[np.float32], class_ids: Ints, config: LinearConfig
) -> LinearSignals:
    """L2-penalised, every class counting the same. rows: (n, n_features), finite. class_ids: (n,) of 0, 1, 2.

    TooLittleDataError when a class has no row.
    """
    from sklearn.linear_model import LogisticRegression

    prior = prior_of(class_ids)
    if len(class_ids) == 0 or not (prior > 0).all():
        raise TooLittleDataError(
            f"{len(class_ids)} rows, and not of every class", where="linear baseline", fix="train on a longer period"
        )
    standardiser = Standardiser.fit(rows)
    scaled = (rows.astype(np.float64) - standardiser.mean) / standardiser.scale
    with threadpool_limits(1):
        fitted = LogisticRegression(C=config.inverse_penalty, max_iter=2000, class_weight="balanced").fit(
            scaled, class_ids
        )
    return LinearSignals(
        features, standardiser, fitted.coef_.astype(np.float64), fitted.intercept_.astype(np.float64), prior
    )
