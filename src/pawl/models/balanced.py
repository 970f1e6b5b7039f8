"""Batches in which every class counts the same (M002-R13)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BalancedBatch", "balanced_collate_fn"]


@dataclass(frozen=True, slots=True)
class BalancedBatch:
    """Each drawn window once, and the index that repeats the rare classes.

    windows: (n_drawn, seq_len, n_features). repeats: (n_balanced,) rows of `windows`. labels: (n_balanced,).
    `windows[repeats]` with `labels` is the evened batch. It is not spelled out because a repeated window has the same
    hidden state: the network runs its LSTM once a window and repeats the state, for the same loss and gradient.
    """

    windows: "Tensor"
    repeats: "Tensor"
    labels: "Tensor"


def balanced_collate_fn(drawn: Sequence["Tensor"]) -> BalancedBatch:
    """Repeat the windows of the rarer classes, in turn, until every class present is as frequent as the largest.

    drawn: the pair windows (n, seq_len, n_features), labels (n,). In turn: no window is seen twice more than another of
    its class. Which gets the odd repetition follows from the order drawn, so the sampler's generator decides it.

    >>> import torch
    >>> batch = balanced_collate_fn((torch.zeros(5, 20, 3), torch.tensor([2, 0, 2, 2, 0])))
    >>> batch.labels.bincount().tolist(), batch.repeats.tolist()
    ([3, 0, 3], [1, 4, 1, 0, 2, 3])
    """
    import torch

    windows, labels = drawn
    # NumPy, because a dozen small torch operations cost as much as gathering the windows.
    counts = np.bincount(labels.numpy())
    counts = counts[counts > 0]
    by_class = np.argsort(labels.numpy(), kind="stable")
    start_of_class = (np.cumsum(counts) - counts)[:, None]
    turn = np.arange(counts.max()) % counts[:, None]
    repeats = torch.from_numpy(by_class[(start_of_class + turn).ravel()])
    return BalancedBatch(windows, repeats, labels[repeats])
