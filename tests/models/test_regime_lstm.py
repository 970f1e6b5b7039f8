"""The network and its windows."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from pawl.errors import SchemaError
from pawl.models.regime_config import RegimeConfig
from pawl.models.regime_lstm import RegimeLSTM, RegimeSequenceDataset
from pawl.models.sequences import Sequences, build_sequences


@pytest.fixture
def sequences(rng: np.random.Generator) -> Sequences:
    values = rng.normal(size=(60, 3)).astype(np.float32)
    return build_sequences(values, np.zeros(60, int), np.arange(60), np.ones(60, bool))


def test_the_network_is_an_lstm_and_a_fully_connected_layer_of_five_states() -> None:
    network = RegimeLSTM(7, RegimeConfig())
    assert isinstance(network.lstm, nn.LSTM)
    assert (network.lstm.input_size, network.lstm.hidden_size, network.lstm.num_layers) == (7, 64, 1)
    assert (network.fully_connected.in_features, network.fully_connected.out_features) == (64, 5)
    assert network.dropout.p == 0.2


def test_only_the_last_hidden_state_counts() -> None:
    network = RegimeLSTM(3, RegimeConfig(layers=2)).eval()
    windows = torch.randn(4, 20, 3)
    expected = network.fully_connected(network.lstm(windows)[1][0][-1])
    torch.testing.assert_close(network(windows), expected)


def test_m002_r11_a_loader_gives_windows_with_the_label_of_their_last_day(sequences: Sequences) -> None:
    labels = np.arange(60) % 5
    dataset = RegimeSequenceDataset(sequences, labels, sequences.ends[::2])
    windows, states = next(iter(DataLoader(dataset, batch_size=8, collate_fn=tuple)))
    assert windows.shape == (8, 20, 3)
    assert states.tolist() == [labels[end] for end in sequences.ends[::2][:8]]
    window, state = dataset[3]
    assert torch.equal(window, windows[3])
    assert state == states[3]
    assert len(dataset) == 21


def test_m002_r9_a_window_that_ends_on_an_unlabelled_day_is_refused(sequences: Sequences) -> None:
    labels = np.where(np.arange(60) == 30, -1, 0)
    with pytest.raises(SchemaError, match="1 of 41 windows"):
        RegimeSequenceDataset(sequences, labels, sequences.ends)
    RegimeSequenceDataset(sequences, labels, sequences.ends[sequences.ends != 30])
