"""A fitted reversal network with all that its answers depend on, and as its files."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError

from pawl.errors import CorruptArtifactError
from pawl.labels.reversal import SIGNAL_CLASSES
from pawl.models.exact_json import from_exact_json, to_exact_json
from pawl.models.regime_inference import predict_logits
from pawl.models.reversal_config import ReversalNetConfig
from pawl.models.scaler import Standardiser
from pawl.models.sequences import Sequences
from pawl.models.signal_answers import N_CLASSES, SignalAnswers

if TYPE_CHECKING:
    from pawl.models.reversal_lstm import ReversalDetectionModel

__all__ = ["ReversalNet"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STAGE1, STAGE2, SCALER, FEATURES = "stage1.safetensors", "stage2.safetensors", "scaler.json", "features.json"
STAGE2_PREFIX = "fully_connected.confidence."
FIX = "fetch or train the version again"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalNet:
    """The network, the scaler of its inputs, and the classes it was weighed by.

    features: input columns, in order. class_prior: (3,) shares among the fitted rows of the full training.
    """

    network: "ReversalDetectionModel"
    standardiser: Standardiser
    features: tuple[str, ...]
    class_prior: Floats
    config: ReversalNetConfig

    def predict_ends(self, sequences: Sequences, ends: Ints) -> SignalAnswers:
        """Answers for the windows of unscaled values that end at `ends`."""
        scaled = replace(sequences, values=self.standardiser.transform(sequences.values), ends=ends)
        answered = predict_logits(self.network, scaled).astype(np.float64)
        scores = answered[:, :N_CLASSES]
        odds = np.exp(scores - scores.max(axis=1, keepdims=True)) if len(ends) else scores
        return SignalAnswers(
            probabilities=odds / odds.sum(axis=1, keepdims=True),
            confidence=1 / (1 + np.exp(-answered[:, N_CLASSES])),
        )

    def importance(self) -> dict[str, float]:
        """None: a network has no weight an input."""
        return {}

    def to_files(self) -> dict[str, bytes]:
        """Stage 1 (LSTM and signal head), stage 2 (confidence head), the scaler, and the features with the rest."""
        from safetensors.torch import save

        state = self.network.state_dict()
        about = {
            "features": list(self.features),
            "classes": list(SIGNAL_CLASSES),
            "class_prior": self.class_prior.tolist(),
            "config": self.config.model_dump(),
        }
        return {
            STAGE1: save({name: value for name, value in state.items() if not name.startswith(STAGE2_PREFIX)}),
            STAGE2: save({name: value for name, value in state.items() if name.startswith(STAGE2_PREFIX)}),
            SCALER: to_exact_json(self.standardiser.to_dict()),
            FEATURES: to_exact_json(about),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "ReversalNet":
        """What `to_files` gave. CorruptArtifactError when a file is missing, or the parts do not fit each other."""
        from safetensors.torch import load

        from pawl.models.reversal_lstm import ReversalDetectionModel

        missing = [name for name in (STAGE1, STAGE2, SCALER, FEATURES) if name not in files]
        if missing:
            raise CorruptArtifactError("missing file", where=missing[0], fix=FIX)
        about = from_exact_json(files[FEATURES], FEATURES)
        try:
            if about["classes"] != list(SIGNAL_CLASSES):
                raise ValueError(f"its classes are {about['classes']}")
            config = ReversalNetConfig.model_validate(about["config"])
            features = tuple(about["features"])
            prior = np.array(about["class_prior"], np.float64).reshape(N_CLASSES)
            network = ReversalDetectionModel(config.sequence_length, len(features), config=config)
            network.load_state_dict({**load(files[STAGE1]), **load(files[STAGE2])})
        except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
            raise CorruptArtifactError(f"not a model of this release: {error}", where=FEATURES, fix=FIX) from error
        return cls(
            network=network.eval(),
            standardiser=Standardiser.from_dict(from_exact_json(files[SCALER], SCALER)),
            features=features,
            class_prior=prior,
            config=config,
        )
