"""Evened batches: equal counts, and the same gradient as if every window stood there as often as it counts."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pawl.models.balanced import balanced_collate_fn
from pawl.models.regime_config import RegimeConfig
from pawl.models.regime_lstm import RegimeLSTM


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=80))
def test_m002_r13_every_class_present_counts_the_same(labels: list[int]) -> None:
    drawn = torch.tensor(labels)
    batch = balanced_collate_fn((torch.zeros(len(labels), 20, 2), drawn))
    present, counts = batch.labels.unique(return_counts=True)
    assert present.tolist() == sorted(set(labels))
    assert counts.unique().tolist() == [max(labels.count(label) for label in labels)]
    assert torch.equal(drawn[batch.repeats], batch.labels)


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=80))
def test_m002_r13_windows_of_a_class_are_repeated_in_turn(labels: list[int]) -> None:
    batch = balanced_collate_fn((torch.zeros(len(labels), 20, 2), torch.tensor(labels)))
    times = batch.repeats.bincount(minlength=len(labels))
    for label in set(labels):
        of_class = times[torch.tensor(labels) == label]
        assert int(of_class.min()) >= 1
        assert int(of_class.max() - of_class.min()) <= 1


def test_repeating_the_hidden_state_gives_the_gradient_of_repeating_the_window() -> None:
    torch.set_rng_state(torch.Generator().manual_seed(3).get_state())
    network = RegimeLSTM(4, RegimeConfig(dropout=0.0))
    windows, labels = torch.randn(40, 20, 4), torch.randint(0, 4, (40,))
    batch = balanced_collate_fn((windows, labels))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.15)

    def gradients(logits: torch.Tensor) -> list[torch.Tensor]:
        network.zero_grad()
        criterion(logits, batch.labels).backward()
        return [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]

    short = gradients(network(batch.windows, batch.repeats))
    spelled_out = gradients(network(windows[batch.repeats]))
    assert len(short) == 6
    for one, other in zip(short, spelled_out, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_repeated_windows_draw_their_own_dropout() -> None:
    torch.set_rng_state(torch.Generator().manual_seed(3).get_state())
    network = RegimeLSTM(4, RegimeConfig(dropout=0.5)).train()
    logits = network(torch.randn(1, 20, 4), torch.tensor([0, 0]))
    with pytest.raises(AssertionError):
        torch.testing.assert_close(logits[0], logits[1])
