"""State probabilities of many windows, without ever copying the windows.

Neighbouring windows share all rows but one. So rows are projected into the gates once instead of once a window, and
the recurrence runs over a block of neighbouring windows, each a column, reading the projections where they lie.
"""

import copy
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pawl.errors import SchemaError, SettingsError
from pawl.models.lstm_cell import lstm_step
from pawl.models.one_thread import one_thread
from pawl.models.sequences import Sequences

if TYPE_CHECKING:
    from torch import Tensor

    from pawl.models.regime_lstm import RegimeLSTM
    from pawl.models.reversal_lstm import ReversalDetectionModel

    WindowNetwork = RegimeLSTM | ReversalDetectionModel

__all__ = ["BLOCK", "blocks", "predict_logits", "predict_probabilities"]

Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

BLOCK = 256
"""Windows in a block. 128 is 7 % slower, 512 is 4 % faster and wastes more on short stretches (bench/lstm.py)."""


def predict_probabilities(network: "RegimeLSTM", sequences: Sequences, device: str = "cpu") -> Floats32:
    """Softmax of `predict_logits`, (n_windows, n_states); rows sum to 1 within 1e-6 (M002-R18)."""
    probabilities = predict_logits(network, sequences, device)
    probabilities -= probabilities.max(axis=1, keepdims=True)
    np.exp(probabilities, out=probabilities)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return probabilities


def predict_logits(network: "WindowNetwork", sequences: Sequences, device: str = "cpu") -> Floats32:
    """What the network says of the windows of `sequences.ends`, (n_windows, n_states).

    sequences: of standardised values. device: as torch names it. A window's answer is the same to the bit whatever
    follows it in the values (M002-R20).
    SchemaError when the ends do not rise or reach before the first row; SettingsError when the device is not there.
    """
    import torch

    if device.startswith("cuda") and not torch.cuda.is_available():
        raise SettingsError(f"no device `{device}` here", where="predict_logits", fix="use `cpu`")
    values, ends, seq_len = sequences.values, sequences.ends, sequences.seq_len
    logits = np.empty((len(ends), network.fully_connected.out_features), np.float32)
    rows = np.empty((BLOCK + seq_len - 1, values.shape[1]), np.float32)
    with one_thread(), torch.inference_mode():
        is_plain = device == "cpu" and network.lstm.num_layers == 1
        answer = _by_shared_rows(network, seq_len) if is_plain else _by_torch(network, seq_len, device)
        for first, start, stop in blocks(ends, seq_len):
            known = values[first - seq_len + 1 : first + BLOCK]
            rows[: len(known)], rows[len(known) :] = known, 0.0
            logits[start:stop] = answer(torch.from_numpy(rows))[ends[start:stop] - first]
    return logits


def blocks(ends: Ints, seq_len: int) -> Iterator[tuple[int, int, int]]:
    """(first, start, stop): `ends[start:stop]` lie in the block of BLOCK rows from row `first` on.

    A matrix product may round a column differently at another place or in another shape. So all blocks have one shape,
    and they are counted from the first window of a stretch: a window's place follows from what is older alone, not from
    what comes after it or from other tickers, whose windows end at least `seq_len` rows away.
    """
    for begin, end in pairwise([*_stretch_starts(ends, seq_len), len(ends)]):
        start = begin
        while start < end:
            first = int(ends[begin] + (ends[start] - ends[begin]) // BLOCK * BLOCK)
            stop = begin + int(np.searchsorted(ends[begin:end], first + BLOCK))
            yield first, start, stop
            start = stop


def _stretch_starts(ends: Ints, seq_len: int) -> list[int]:
    """Where in `ends` a stretch begins whose windows share no row with those before it; nowhere when there are none."""
    if not len(ends):
        return []
    steps = np.diff(ends)
    if ends[0] < seq_len - 1 or np.any(steps < 1):
        raise SchemaError(
            "window ends do not rise, or reach before the first row",
            where="predict_logits",
            fix="hand in the ends that build_sequences gives, in order",
        )
    return [0, *(np.flatnonzero(steps >= seq_len) + 1).tolist()]


def _by_shared_rows(network: "WindowNetwork", seq_len: int) -> Callable[["Tensor"], Floats32]:
    """From the rows of a block, (BLOCK + seq_len - 1, n_features), to its logits, (BLOCK, n_states): one layer, CPU."""
    import torch

    to_gates, from_hidden, *biases = network.lstm.parameters()
    bias = (biases[0] + biases[1])[:, None]
    hidden = torch.empty(network.lstm.hidden_size, BLOCK)
    cell = torch.empty_like(hidden)
    recurrent = torch.empty(len(bias), BLOCK)

    def answer(rows: "Tensor") -> Floats32:
        inputs = torch.addmm(bias, to_gates, rows.t()).numpy()
        cell.zero_()
        recurrent.zero_()
        for step in range(seq_len):
            if step > 0:
                torch.mm(from_hidden, hidden, out=recurrent)
            lstm_step(inputs, step, recurrent.numpy(), cell.numpy(), hidden.numpy())
        logits: Floats32 = network.fully_connected(hidden.t()).numpy()
        return logits

    return answer


def _by_torch(network: "WindowNetwork", seq_len: int, device: str) -> Callable[["Tensor"], Floats32]:
    """The same for any number of layers and any device, window by window."""
    placed = copy.deepcopy(network).eval().to(device)

    def answer(rows: "Tensor") -> Floats32:
        windows = rows.to(device).unfold(0, seq_len, 1).transpose(1, 2)
        logits: Floats32 = placed(windows).cpu().numpy()
        return logits

    return answer
