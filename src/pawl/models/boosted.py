"""The multi-task head of boosted trees: rebound probability, return and drawdown (M002-R28)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from pawl.errors import CorruptArtifactError
from pawl.models.exact_json import from_exact_json, to_exact_json
from pawl.models.head import HeadPrediction, feature_matrix, training_matrix
from pawl.models.head_config import HeadConfig
from pawl.models.trees import Trees

__all__ = ["BoostedHead", "fit_boosted_head"]

Floats = npt.NDArray[np.float64]

PARTS = ("classifier", "return", "drawdown")
FIX = "fetch or train the version again"


@dataclass(frozen=True)
class BoostedHead:
    """Three fitted models as LightGBM text, and the names of their features in order.

    Fresh or loaded, it predicts from the text, so a saved head answers to the byte as the one that was saved.
    """

    features: tuple[str, ...]
    models: Mapping[str, str]

    def predict(self, x: pl.DataFrame) -> HeadPrediction:
        """One row a row of `x`; NaN and null go the way the trees learnt for missing values."""
        matrix = feature_matrix(x, self.features)
        rebound_prob, ret_pct, dd_pct = (self._trees[part].predict(matrix) for part in PARTS)
        return HeadPrediction(rebound_prob=rebound_prob, ret_pct=ret_pct, dd_pct=dd_pct)

    def importance(self) -> dict[str, float]:
        """Total gain of the splits on each feature in the classifier, in the order of the features."""
        return dict(zip(self.features, self._trees["classifier"].gains(), strict=True))

    def to_files(self) -> dict[str, bytes]:
        """Three text models, and their checksums with the features' names."""
        files = {f"head_{part}.txt": self.models[part].encode() for part in PARTS}
        index = {"features": list(self.features), "sha256": {name: _sha256(text) for name, text in files.items()}}
        return {"head.json": to_exact_json(index), **files}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "BoostedHead":
        """What `to_files` gave. CorruptArtifactError when a file is missing or changed.

        The checksums are compared before LightGBM sees the text: its parser takes a shortened model for a whole one.
        """
        index = from_exact_json(_file(files, "head.json"), "head.json")
        features, checksums = index.get("features"), index.get("sha256")
        if not isinstance(features, list) or not isinstance(checksums, dict):
            raise CorruptArtifactError("no features and checksums", where="head.json", fix=FIX)
        models = {}
        for part in PARTS:
            name = f"head_{part}.txt"
            if _sha256(_file(files, name)) != checksums.get(name):
                raise CorruptArtifactError("changed bytes", where=name, fix=FIX)
            models[part] = files[name].decode()
        return cls(tuple(features), models)

    @cached_property
    def _trees(self) -> dict[str, Trees]:
        return {part: Trees(self.models[part]) for part in PARTS}


def fit_boosted_head(
    x: pl.DataFrame,
    is_rebound: npt.NDArray[np.bool_],
    fut_ret_pct: Floats,
    fut_dd_pct: Floats,
    config: HeadConfig,
    seed: int,
) -> BoostedHead:
    """A classifier of `is_rebound` (binary logloss), and a regressor of both percentages behind one interface.

    x: features only, their names and order are kept; (n_rows,) targets. The same arguments give the same bytes.
    SchemaError when a value is null, NaN or infinite; TooLittleDataError when all rows are of one class.
    """
    import lightgbm as lgb
    from sklearn.multioutput import MultiOutputRegressor

    targets = np.column_stack([fut_ret_pct, fut_dd_pct])
    matrix = training_matrix(x, is_rebound, targets)
    grown = config.grown(seed)
    classifier = lgb.LGBMClassifier(objective="binary", **grown).fit(matrix, is_rebound, feature_name=x.columns)
    regressor = MultiOutputRegressor(lgb.LGBMRegressor(**grown)).fit(matrix, targets, feature_name=x.columns)
    fitted = (classifier, *regressor.estimators_)
    models = {part: model.booster_.model_to_string() for part, model in zip(PARTS, fitted, strict=True)}
    return BoostedHead(tuple(x.columns), models)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise CorruptArtifactError("missing file", where=name, fix=FIX)
    return files[name]
