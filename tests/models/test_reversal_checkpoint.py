"""Checkpoints: a damaged one, or one of another network, is never trained on from."""

from collections.abc import Mapping

import pytest
import torch

from pawl.errors import CorruptArtifactError
from pawl.models.reversal_checkpoint import Checkpoint, Progress, Shelf
from pawl.models.reversal_config import ReversalNetConfig
from pawl.models.reversal_training import fresh_reversal


def begun(hidden: int = 8) -> Progress:
    return Progress.begin(fresh_reversal(4, ReversalNetConfig(hidden=hidden), 1), 0.01, 7)


class One:
    """A LayerCache that holds one set of files."""

    def __init__(self, files: Mapping[str, bytes] | None) -> None:
        self.files = files

    def get(self, key: str) -> Mapping[str, bytes] | None:
        return self.files

    def put(self, key: str, files: Mapping[str, bytes]) -> None:
        self.files = files


def test_rev_r41_a_checkpoint_brings_back_network_snapshot_and_generators() -> None:
    first = begun()
    torch.rand(1, generator=first.generator)
    first.keep(3)
    other = begun()
    with torch.no_grad():
        for parameter in other.network.parameters():
            parameter.zero_()
    other.restore(first.checkpoint([]))
    for one, two in ((first.network.state_dict(), other.network.state_dict()), (first.snapshot, other.snapshot)):
        assert all(torch.equal(one[name], two[name]) for name in one)
    assert torch.equal(first.generator.get_state(), other.generator.get_state())
    assert other.best == 3


def test_rev_r41_a_checkpoint_of_another_network_is_refused() -> None:
    with pytest.raises(CorruptArtifactError, match="not a checkpoint of this training"):
        begun(hidden=16).restore(begun().checkpoint([]))
    with pytest.raises(CorruptArtifactError, match="not a checkpoint of this training"):
        begun().restore(Checkpoint(tensors=b"nonsense", history=[], best=0))


def test_a_shelf_keeps_one_in_so_many_epochs_and_says_when_a_file_is_gone() -> None:
    cache, made = One(None), begun().checkpoint([{"train_loss": 1.0}])
    shelf = Shelf(cache=cache, key="k", every=5)
    shelf.offer(4, lambda: made)
    assert shelf.load() is None
    shelf.offer(5, lambda: made)
    assert shelf.load() == made
    with pytest.raises(CorruptArtifactError, match="lacks"):
        Shelf(cache=One({"checkpoint.json": b'{"history": [], "best": 0}\n'}), key="k", every=5).load()
