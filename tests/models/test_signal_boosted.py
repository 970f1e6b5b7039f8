"""The boosted baseline: its classes, its bytes."""

import numpy as np
import pytest

from pawl.errors import CorruptArtifactError, TooLittleDataError
from pawl.models.head_config import HeadConfig
from pawl.models.sequences import Sequences
from pawl.models.signal_boosted import BoostedSignals, fit_boosted_signals

NAMES = ("a", "b", "c")
CONFIG = HeadConfig(n_estimators=20, min_child_samples=10)


def drawn(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    rows = rng.normal(size=(500, 3)).astype(np.float32)
    return rows, np.digitize(rows[:, 1], [-1.0, 1.0]).astype(np.int64)


def test_it_tells_the_classes_repeats_to_the_byte_and_survives_its_files(rng: np.random.Generator) -> None:
    rows, class_ids = drawn(rng)
    fitted = fit_boosted_signals(NAMES, rows, class_ids, CONFIG, 3)
    assert fitted.to_files() == fit_boosted_signals(NAMES, rows, class_ids, CONFIG, 3).to_files()
    sequences = Sequences(rows, np.arange(500), 1)
    answers = fitted.predict_ends(sequences, np.arange(500))
    assert (answers.signal_ids == class_ids).mean() > 0.95
    again = BoostedSignals.from_files(fitted.to_files()).predict_ends(sequences, np.arange(500))
    np.testing.assert_array_equal(answers.probabilities, again.probabilities)
    assert max(fitted.importance(), key=fitted.importance().__getitem__) == "b"
    assert fitted.predict_ends(sequences, np.empty(0, np.int64)).probabilities.shape == (0, 3)


def test_a_changed_byte_a_missing_file_or_a_missing_class_is_refused(rng: np.random.Generator) -> None:
    rows, class_ids = drawn(rng)
    files = fit_boosted_signals(NAMES, rows, class_ids, CONFIG, 3).to_files()
    with pytest.raises(CorruptArtifactError, match="changed bytes"):
        BoostedSignals.from_files({**files, "signals.txt": files["signals.txt"][:-40]})
    with pytest.raises(CorruptArtifactError, match="missing"):
        BoostedSignals.from_files({"signals.json": files["signals.json"]})
    with pytest.raises(TooLittleDataError):
        fit_boosted_signals(NAMES, rows, np.minimum(class_ids, 1), CONFIG, 3)
