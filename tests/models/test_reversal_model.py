"""A fitted network as its two stages, its scaler and its features."""

import numpy as np
import pytest
from safetensors.numpy import load

from pawl.errors import CorruptArtifactError
from pawl.models.exact_json import from_exact_json, to_exact_json
from pawl.models.reversal_config import ReversalNetConfig
from pawl.models.reversal_model import ReversalNet
from pawl.models.reversal_training import fresh_reversal
from pawl.models.scaler import Standardiser
from pawl.models.sequences import Sequences

CONFIG = ReversalNetConfig(hidden=8)
FEATURES = tuple(f"f{n}" for n in range(6))


@pytest.fixture
def model() -> ReversalNet:
    return ReversalNet(
        network=fresh_reversal(6, CONFIG, 4),
        standardiser=Standardiser(np.arange(6.0), np.full(6, 2.0)),
        features=FEATURES,
        class_prior=np.array([0.6, 0.2, 0.2]),
        config=CONFIG,
    )


@pytest.fixture
def sequences(rng: np.random.Generator) -> Sequences:
    return Sequences(rng.normal(size=(700, 6)).astype(np.float32), np.arange(19, 700), 20)


def test_it_answers_as_the_network_does_window_by_window(model: ReversalNet, sequences: Sequences) -> None:
    import torch

    answers = model.predict_ends(sequences, sequences.ends)
    scaled = ((sequences.gather(sequences.ends) - np.arange(6)) / 2).astype(np.float32)
    with torch.no_grad():
        logits = model.network.eval()(torch.from_numpy(scaled))
    np.testing.assert_allclose(answers.probabilities, torch.softmax(logits[:, :3], 1).numpy(), atol=1e-5)
    np.testing.assert_allclose(answers.confidence, torch.sigmoid(logits[:, 3]).numpy(), atol=1e-5)
    np.testing.assert_allclose(answers.probabilities.sum(axis=1), 1, atol=1e-12)


def test_no_window_gives_no_answer(model: ReversalNet, sequences: Sequences) -> None:
    answers = model.predict_ends(sequences, np.empty(0, np.int64))
    assert answers.probabilities.shape == (0, 3)
    assert answers.signal_ids.shape == (0,)


def test_the_stages_hold_what_their_names_say_and_a_loaded_model_answers_to_the_bit(
    model: ReversalNet, sequences: Sequences
) -> None:
    files = model.to_files()
    assert sorted(files) == ["features.json", "scaler.json", "stage1.safetensors", "stage2.safetensors"]
    assert all("confidence" in name for name in load(files["stage2.safetensors"]))
    assert any(name.startswith("lstm") for name in load(files["stage1.safetensors"]))
    assert any("signal" in name for name in load(files["stage1.safetensors"]))
    loaded = ReversalNet.from_files(files)
    assert loaded.to_files() == files
    ours, theirs = (one.predict_ends(sequences, sequences.ends) for one in (model, loaded))
    np.testing.assert_array_equal(ours.probabilities, theirs.probabilities)
    np.testing.assert_array_equal(ours.confidence, theirs.confidence)


@pytest.mark.parametrize("name", ["stage1.safetensors", "stage2.safetensors", "scaler.json", "features.json"])
def test_a_missing_or_broken_file_is_told(model: ReversalNet, name: str) -> None:
    files = model.to_files()
    with pytest.raises(CorruptArtifactError, match="missing file"):
        ReversalNet.from_files({key: value for key, value in files.items() if key != name})
    with pytest.raises(CorruptArtifactError):
        ReversalNet.from_files({**files, name: b"{}"})


def test_other_classes_or_another_size_do_not_load(model: ReversalNet) -> None:
    files = model.to_files()
    about = from_exact_json(files["features.json"], "features.json")
    for changed in ({"classes": ["hold", "sell", "buy"]}, {"config": {**CONFIG.model_dump(), "hidden": 9}}):
        with pytest.raises(CorruptArtifactError, match="not a model of this release"):
            ReversalNet.from_files({**files, "features.json": to_exact_json({**about, **changed})})
