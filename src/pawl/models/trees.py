"""Fitted LightGBM trees as text: many rows go through its Python interface, one row through its C fast path.

`Booster.predict` builds its parameters, buffers and result anew each time: for one row, longer work than the trees are.
"""

import ctypes
from functools import cached_property
from threading import Lock
from typing import Any
from weakref import finalize

import numpy as np
import numpy.typing as npt

from pawl.errors import SchemaError

__all__ = ["SingleRow", "Trees", "single_row"]

Floats = npt.NDArray[np.float64]

NAMES = ("LGBM_BoosterPredictForMatSingleRowFastInit", "LGBM_BoosterPredictForMatSingleRowFast", "LGBM_FastConfigFree")
NORMAL, FLOAT64 = 0, 1  # C_API_PREDICT_NORMAL, C_API_DTYPE_FLOAT64
FIRST, ALL = 0, -1  # iterations
PARAMETERS = b"num_threads=1"


class Trees:
    """A fitted model. Fresh or loaded, it answers from the text; any number of threads may ask at once."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __reduce__(self) -> tuple[type["Trees"], tuple[str]]:
        # What LightGBM holds stays in its process.
        return Trees, (self.text,)

    def predict(self, rows: Floats) -> Floats:
        """Of (n, n_features): (n,), or (n, n_classes) of a model of several classes; NaN goes the way of the missing.

        To the bit what `Booster.predict` says, whether one row is asked or many.
        """
        if len(rows) == 1 and self._single_row is not None:
            answer = self._single_row(rows[0])
            return answer if len(answer) == 1 else answer[None, :]
        return np.asarray(self._booster.predict(rows, num_threads=1), np.float64)

    def predict_one(self, row: Floats) -> Floats:
        """Of (n_features,): (1,), or (n_classes,). SchemaError where the row has another length."""
        if self._single_row is not None:
            return self._single_row(row)
        return np.atleast_1d(self.predict(np.asarray(row, np.float64)[None, :]).squeeze(axis=0))

    def gains(self) -> list[float]:
        """Total gain of the splits on each feature, in the order of the features."""
        gains: list[float] = self._booster.feature_importance("gain").tolist()
        return gains

    @cached_property
    def _booster(self) -> Any:  # noqa: ANN401 - LightGBM carries no types
        import lightgbm as lgb

        return lgb.Booster(model_str=self.text)

    @cached_property
    def _single_row(self) -> "SingleRow | None":
        return single_row(self._booster)


class SingleRow:
    """The C fast path of one booster: its buffers are made once, and one thread at a time is inside."""

    def __init__(self, library: ctypes.CDLL, booster: Any) -> None:  # noqa: ANN401 - LightGBM carries no types
        begin, self._ask, free = (getattr(library, name) for name in NAMES)
        self._n_features = int(booster.num_feature())
        self._row = np.empty(self._n_features)
        self._answer = np.empty(int(booster.num_model_per_iteration()))
        self._n_answers = ctypes.c_int64()
        handle = ctypes.c_void_p()
        whole = (NORMAL, FIRST, ALL, FLOAT64, self._n_features)
        _require(library, begin(booster._handle, *map(ctypes.c_int, whole), PARAMETERS, ctypes.byref(handle)))
        self._library, self._lock = library, Lock()
        # The booster is kept for as long as the handle, which points into it.
        self._end = finalize(self, lambda _: free(handle), booster)
        places = (ctypes.c_void_p(array.ctypes.data) for array in (self._row, self._answer))
        row, answer = places
        self._arguments = (handle, row, ctypes.byref(self._n_answers), answer)

    def __call__(self, row: Floats) -> Floats:
        """The answer to one row; SchemaError where it has another length."""
        if len(row) != self._n_features:
            raise SchemaError(
                f"a row of {len(row)} values", where="trees", fix=f"hand in the {self._n_features} they were fitted on"
            )
        with self._lock:
            self._row[:] = row
            _require(self._library, self._ask(*self._arguments))
            return self._answer.copy()


def single_row(booster: Any) -> SingleRow | None:  # noqa: ANN401 - LightGBM carries no types
    """The fast path of a booster; None where this build of LightGBM has none."""
    from lightgbm import basic

    library = getattr(basic, "_LIB", None)
    if library is None or not all(hasattr(library, name) for name in NAMES):
        return None
    return SingleRow(library, booster)


def _require(library: ctypes.CDLL, status: int) -> None:
    if status != 0:
        last_error = library.LGBM_GetLastError
        last_error.restype = ctypes.c_char_p
        raise SchemaError(
            f"LightGBM refuses the row: {last_error().decode()}", where="trees", fix="load the version again"
        )
