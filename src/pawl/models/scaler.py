"""Standardising: a network learns on inputs of mean 0 and scale 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pawl.errors import CorruptArtifactError, SchemaError, TooLittleDataError

__all__ = ["Standardiser"]

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Standardiser:
    """(value - mean) / scale for every column; mean and scale are (n_features,)."""

    mean: Floats
    scale: Floats

    @classmethod
    def fit(cls, rows: npt.NDArray[np.floating]) -> "Standardiser":
        """From the rows handed in and no other: hand in the training rows only, (n_rows, n_features).

        NaN is left out, column by column; a constant column gets scale 1 and so becomes 0. TooLittleDataError when a
        column has no value at all.

        >>> fitted = Standardiser.fit(np.array([[1.0, 5.0], [3.0, 5.0], [np.nan, 5.0]]))
        >>> fitted.mean.tolist(), fitted.scale.tolist()
        ([2.0, 5.0], [1.0, 1.0])
        """
        is_known = np.isfinite(rows)
        count = is_known.sum(axis=0)
        if not count.all():
            raise TooLittleDataError(
                f"columns {np.flatnonzero(count == 0).tolist()} have no value in {len(rows)} training rows",
                where="Standardiser.fit",
                fix="train on more rows, or leave the columns out",
            )
        mean = np.where(is_known, rows, 0.0).sum(axis=0, dtype=np.float64) / count
        spread = np.sqrt((np.where(is_known, rows - mean, 0.0) ** 2).sum(axis=0, dtype=np.float64) / count)
        # The spread of a constant column is rounding, not information: dividing by it would blow the rounding up.
        is_constant = spread <= 1e-12 * np.maximum(1.0, np.abs(mean))
        return cls(mean, np.where(is_constant, 1.0, spread))

    def transform(self, values: npt.NDArray[np.floating]) -> Floats32:
        """(n_rows, n_features) standardised, float32, C-contiguous; NaN stays NaN."""
        self._check(values)
        scaled = np.empty(values.shape, np.float32)
        np.subtract(values, self.mean, out=scaled, casting="same_kind")
        np.divide(scaled, self.scale, out=scaled, casting="same_kind")
        return scaled

    def to_dict(self) -> dict[str, list[float]]:
        """A value for JSON, whose text keeps every float exactly."""
        return {"mean": self.mean.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Sequence[float]]) -> "Standardiser":
        """What `to_dict` gave. CorruptArtifactError when it is not that."""
        try:
            mean, scale = (np.array(stored[key], np.float64) for key in ("mean", "scale"))
        except (KeyError, TypeError, ValueError) as error:
            raise _corrupt(f"no usable mean and scale: {error}") from error
        if mean.ndim != 1 or mean.shape != scale.shape or not np.isfinite(mean).all() or not (scale > 0).all():
            raise _corrupt("mean and scale do not fit each other")
        return cls(mean, scale)

    def _check(self, values: npt.NDArray[np.floating]) -> None:
        if values.shape[1:] != self.mean.shape:
            raise SchemaError(
                f"{values.shape[1:]} columns, fitted on {self.mean.shape}",
                where="Standardiser.transform",
                fix="hand in the columns of the fit, in their order",
            )


def _corrupt(what: str) -> CorruptArtifactError:
    return CorruptArtifactError(what, where="stored standardiser", fix="train the version again, or fetch it again")
