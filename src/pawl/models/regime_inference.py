"""State probabilities of many windows, batch by batch."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pawl.models.one_thread import one_thread
from pawl.models.sequences import Sequences

if TYPE_CHECKING:
    from pawl.models.regime_lstm import RegimeLSTM

__all__ = ["predict_logits", "predict_probabilities"]

Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

BATCH = 512


def predict_probabilities(
    network: "RegimeLSTM", values: Floats32, ends: Ints, seq_len: int = 20, device: str = "cpu"
) -> Floats32:
    """Softmax of `predict_logits`, (n_windows, n_states); rows sum to 1 within 1e-6 (M002-R18)."""
    probabilities = predict_logits(network, values, ends, seq_len, device)
    probabilities -= probabilities.max(axis=1, keepdims=True)
    np.exp(probabilities, out=probabilities)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return probabilities


def predict_logits(
    network: "RegimeLSTM", values: Floats32, ends: Ints, seq_len: int = 20, device: str = "cpu"
) -> Floats32:
    """What the network says of the windows that end at rows `ends` of `values`, (n_windows, n_states).

    values: (n_rows, n_features), standardised. ends: last rows of whole windows (see build_sequences). device: of
    torch, `cuda` where there is one.
    """
    import torch

    sequences = Sequences(values, ends, seq_len)
    logits = np.empty((len(ends), network.fully_connected.out_features), np.float32)
    was_training = network.training
    network.eval().to(device)
    with one_thread(), torch.inference_mode():
        for start in range(0, len(ends), BATCH):
            batch = ends[start : start + BATCH]
            # Every batch has the same shape, the last one filled up: a matrix product may round differently at another.
            windows = torch.from_numpy(sequences.gather(np.resize(batch, BATCH))).to(device)
            logits[start : start + len(batch)] = network(windows)[: len(batch)].cpu().numpy()
    network.train(was_training).to("cpu")
    return logits
