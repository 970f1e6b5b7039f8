"""The boosted baseline of `reversal`: LightGBM over the three classes, on the newest bar's features."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pawl.errors import CorruptArtifactError, TooLittleDataError
from pawl.models.exact_json import from_exact_json, to_exact_json
from pawl.models.head_config import HeadConfig
from pawl.models.sequences import Sequences
from pawl.models.signal_answers import N_CLASSES, SignalAnswers, balanced_weights, prior_of
from pawl.models.trees import Trees

__all__ = ["BoostedSignals", "fit_boosted_signals"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TREES, INDEX = "signals.txt", "signals.json"
FIX = "fetch or train the version again"


@dataclass(frozen=True)
class BoostedSignals:
    """Fitted trees as LightGBM text. Fresh or loaded, it predicts from the text."""

    features: tuple[str, ...]
    text: str
    class_prior: Floats

    def predict_ends(self, sequences: Sequences, ends: Ints) -> SignalAnswers:
        """From the newest bar of each window; the confidence is the probability of the likeliest class."""
        rows = np.ascontiguousarray(sequences.values[ends], np.float64)
        if not len(rows):
            return SignalAnswers(probabilities=np.empty((0, N_CLASSES)), confidence=np.empty(0))
        probabilities = self._trees.predict(rows)
        return SignalAnswers(probabilities=probabilities, confidence=probabilities.max(axis=1))

    def importance(self) -> dict[str, float]:
        """Total gain of the splits on each feature."""
        return dict(zip(self.features, self._trees.gains(), strict=True))

    def to_files(self) -> dict[str, bytes]:
        """The text model, and its checksum with the features' names."""
        about = {
            "features": list(self.features),
            "class_prior": self.class_prior.tolist(),
            "sha256": hashlib.sha256(self.text.encode()).hexdigest(),
        }
        return {TREES: self.text.encode(), INDEX: to_exact_json(about)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "BoostedSignals":
        """What `to_files` gave. CorruptArtifactError when a file is missing or changed.

        The checksum is compared before LightGBM sees the text: its parser takes a shortened model for a whole one.
        """
        missing = [name for name in (INDEX, TREES) if name not in files]
        if missing:
            raise CorruptArtifactError("missing file", where=missing[0], fix=FIX)
        about = from_exact_json(files[INDEX], INDEX)
        try:
            features, prior = tuple(about["features"]), np.array(about["class_prior"], np.float64).reshape(N_CLASSES)
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptArtifactError(f"unusable content: {error}", where=INDEX, fix=FIX) from error
        if hashlib.sha256(files[TREES]).hexdigest() != about.get("sha256"):
            raise CorruptArtifactError("changed bytes", where=TREES, fix=FIX)
        return cls(features, files[TREES].decode(), prior)

    @cached_property
    def _trees(self) -> Trees:
        return Trees(self.text)


def fit_boosted_signals(
    features: tuple[str, ...], rows: npt.NDArray[np.float32], class_ids: Ints, config: HeadConfig, seed: int
) -> BoostedSignals:
    """Trees of the three classes, each class counting the same. The same arguments give the same bytes.

    rows: (n, n_features), finite. class_ids: (n,) of 0, 1, 2. TooLittleDataError when a class has no row.
    """
    import lightgbm as lgb

    prior = prior_of(class_ids)
    if len(class_ids) == 0 or not (prior > 0).all():
        raise TooLittleDataError(
            f"{len(class_ids)} rows, and not of every class", where="boosted baseline", fix="train on a longer period"
        )
    fitted = lgb.LGBMClassifier(objective="multiclass", **config.grown(seed)).fit(
        rows.astype(np.float64),
        class_ids,
        sample_weight=balanced_weights(prior)[class_ids],
        feature_name=list(features),
    )
    return BoostedSignals(features, fitted.booster_.model_to_string(), prior)
