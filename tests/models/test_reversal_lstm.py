"""The network: its shape, its two heads, its one mode."""

import pytest
import torch

from pawl.errors import SettingsError
from pawl.models.reversal_config import ReversalNetConfig
from pawl.models.reversal_lstm import ReversalDetectionModel


def test_it_is_built_as_the_spec_writes_it() -> None:
    network = ReversalDetectionModel(sequence_length=20, num_features=38, mode="mode1")
    assert network.lstm.input_size == 38
    assert network(torch.zeros(3, 20, 38)).shape == (3, 4)


def test_another_mode_is_refused() -> None:
    with pytest.raises(SettingsError, match="mode2"):
        ReversalDetectionModel(mode="mode2")


def test_both_heads_read_the_same_window_and_stand_apart() -> None:
    network = ReversalDetectionModel(config=ReversalNetConfig(hidden=8)).eval()
    windows = torch.randn(4, 20, 38, generator=torch.Generator().manual_seed(1))
    before = network(windows)
    with torch.no_grad():
        for parameter in network.fully_connected.confidence.parameters():
            parameter.zero_()
    after = network(windows)
    assert torch.equal(before[:, :3], after[:, :3])
    assert not torch.equal(before[:, 3], after[:, 3])
