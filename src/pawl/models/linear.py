"""The linear head: logistic regression and ridge, the baseline that a net has to beat."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from threadpoolctl import threadpool_limits

from pawl.errors import CorruptArtifactError
from pawl.models.exact_json import from_exact_json, to_exact_json
from pawl.models.head import HeadPrediction, feature_matrix, training_matrix
from pawl.models.linear_config import LinearConfig
from pawl.models.scaler import Standardiser

__all__ = ["LinearHead", "fit_linear_head"]

Floats = npt.NDArray[np.float64]

FILE = "linear_head.json"


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Three linear functions of standardised features.

    coefficients: (3, n_features) of the log-odds of a rebound, the return and the drawdown. intercepts: (3,).
    """

    features: tuple[str, ...]
    standardiser: Standardiser
    coefficients: Floats
    intercepts: Floats

    def predict(self, x: pl.DataFrame) -> HeadPrediction:
        """One row a row of `x`; a null, NaN or infinite feature gives NaN."""
        matrix = feature_matrix(x, self.features)
        scaled = (matrix - self.standardiser.mean) / self.standardiser.scale
        # A sum over features, row by row, and no matrix product: it rounds the same however many rows stand beside.
        log_odds, ret_pct, dd_pct = (
            (scaled * weights).sum(axis=1) + intercept
            for weights, intercept in zip(self.coefficients, self.intercepts, strict=True)
        )
        return HeadPrediction(rebound_prob=_logistic(log_odds), ret_pct=ret_pct, dd_pct=dd_pct)

    def importance(self) -> dict[str, float]:
        """Size of each standardised feature's coefficient in the log-odds of a rebound."""
        return dict(zip(self.features, np.abs(self.coefficients[0]).tolist(), strict=True))

    def to_files(self) -> dict[str, bytes]:
        """One JSON file."""
        stored = {
            "features": list(self.features),
            "standardiser": self.standardiser.to_dict(),
            "coefficients": self.coefficients.tolist(),
            "intercepts": self.intercepts.tolist(),
        }
        return {FILE: to_exact_json(stored)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "LinearHead":
        """What `to_files` gave. CorruptArtifactError when it is missing or not that."""
        if FILE not in files:
            raise CorruptArtifactError("missing file", where=FILE, fix="fetch or train the version again")
        stored = from_exact_json(files[FILE], FILE)
        try:
            features = tuple(stored["features"])
            standardiser = Standardiser.from_dict(stored["standardiser"])
            coefficients = np.array(stored["coefficients"], np.float64).reshape(3, len(features))
            intercepts = np.array(stored["intercepts"], np.float64).reshape(3)
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptArtifactError(
                f"unusable content: {error}", where=FILE, fix="fetch or train the version again"
            ) from error
        return cls(features, standardiser, coefficients, intercepts)


def fit_linear_head(
    x: pl.DataFrame,
    is_rebound: npt.NDArray[np.bool_],
    fut_ret_pct: Floats,
    fut_dd_pct: Floats,
    config: LinearConfig,
    seed: int,
) -> LinearHead:
    """L2-penalised logistic regression of `is_rebound`, ridge regressions of both percentages.

    Arguments and errors as `fit_boosted_head`. seed: taken for the shared interface; the solvers draw no number.
    """
    from sklearn.linear_model import LogisticRegression, Ridge

    targets = np.column_stack([fut_ret_pct, fut_dd_pct])
    matrix = training_matrix(x, is_rebound, targets)
    standardiser = Standardiser.fit(matrix)
    scaled = (matrix - standardiser.mean) / standardiser.scale
    with threadpool_limits(1):
        logistic = LogisticRegression(C=config.inverse_penalty, max_iter=1000, random_state=seed).fit(
            scaled, is_rebound
        )
        ridge = Ridge(alpha=config.ridge_penalty, solver="cholesky").fit(scaled, targets)
    return LinearHead(
        tuple(x.columns),
        standardiser,
        np.concatenate([logistic.coef_, ridge.coef_]).astype(np.float64),
        np.concatenate([logistic.intercept_, ridge.intercept_]).astype(np.float64),
    )


def _logistic(log_odds: Floats) -> Floats:
    # exp of a negative number only: no overflow at either end.
    small = np.exp(-np.abs(log_odds))
    odds: Floats = np.where(log_odds >= 0, 1.0, small) / (1.0 + small)
    return odds
