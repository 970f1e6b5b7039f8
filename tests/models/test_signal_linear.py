"""The linear baseline, against scikit-learn's own answers."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pawl.errors import CorruptArtifactError, TooLittleDataError
from pawl.models.linear_config import LinearConfig
from pawl.models.sequences import Sequences
from pawl.models.signal_linear import LinearSignals, fit_linear_signals

NAMES = ("a", "b", "c")


def drawn(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    rows = rng.normal(3, 5, size=(500, 3)).astype(np.float32)
    return rows, np.digitize(rows[:, 0] + rng.normal(size=500), [-2.0, 7.0]).astype(np.int64)


def test_it_answers_as_scikit_learn_does_and_survives_its_file(rng: np.random.Generator) -> None:
    rows, class_ids = drawn(rng)
    fitted = fit_linear_signals(NAMES, rows, class_ids, LinearConfig())
    sequences = Sequences(rows, np.arange(500), 1)
    scaled = (rows.astype(float) - rows.mean(0, dtype=float)) / rows.std(0, dtype=float)
    theirs = LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced").fit(scaled, class_ids)
    answers = fitted.predict_ends(sequences, np.arange(500))
    np.testing.assert_allclose(answers.probabilities, theirs.predict_proba(scaled), atol=1e-6)
    np.testing.assert_array_equal(answers.confidence, answers.probabilities.max(axis=1))
    again = LinearSignals.from_files(fitted.to_files()).predict_ends(sequences, np.arange(500))
    np.testing.assert_array_equal(answers.probabilities, again.probabilities)
    assert max(fitted.importance(), key=fitted.importance().__getitem__) == "a"
    np.testing.assert_allclose(fitted.class_prior, np.bincount(class_ids) / 500)


def test_a_class_without_a_row_or_a_spoiled_file_is_refused(rng: np.random.Generator) -> None:
    rows, class_ids = drawn(rng)
    with pytest.raises(TooLittleDataError):
        fit_linear_signals(NAMES, rows, np.minimum(class_ids, 1), LinearConfig())
    with pytest.raises(CorruptArtifactError):
        LinearSignals.from_files({})
    with pytest.raises(CorruptArtifactError):
        LinearSignals.from_files({"linear_signals.json": b"{}"})
