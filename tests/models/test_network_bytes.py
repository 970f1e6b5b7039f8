"""A network's bytes: no pickle, and back to the bit."""

import pickletools

import pytest
import torch

from pawl.errors import CorruptArtifactError
from pawl.models.network_bytes import network_from_bytes, network_to_bytes
from pawl.models.regime_config import RegimeConfig
from pawl.models.regime_training import fresh_network

CONFIG = RegimeConfig(hidden=8)


@pytest.fixture
def content() -> bytes:
    return network_to_bytes(fresh_network(3, CONFIG, seed=5))


def test_m002_r42_a_loaded_network_is_the_saved_one(content: bytes) -> None:
    saved, loaded = fresh_network(3, CONFIG, seed=5), network_from_bytes(content, CONFIG, 3)
    assert not loaded.training
    assert list(saved.state_dict()) == list(loaded.state_dict())
    for name, parameter in saved.state_dict().items():
        assert torch.equal(parameter, loaded.state_dict()[name])
    assert network_to_bytes(loaded) == content


def test_the_bytes_are_no_pickle(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"opcode|pickle|not enough|truncated"):
        list(pickletools.genops(content))


@pytest.mark.parametrize("wrong", [b"", b"garbage", b"\xff" * 64])
def test_what_is_no_safetensors_file_is_refused(wrong: bytes) -> None:
    with pytest.raises(CorruptArtifactError):
        network_from_bytes(wrong, CONFIG, 3)


def test_a_shortened_file_is_refused(content: bytes) -> None:
    with pytest.raises(CorruptArtifactError):
        network_from_bytes(content[:-1], CONFIG, 3)


def test_a_network_of_another_shape_is_refused(content: bytes) -> None:
    with pytest.raises(CorruptArtifactError, match="not the parameters"):
        network_from_bytes(content, RegimeConfig(hidden=9), 3)
