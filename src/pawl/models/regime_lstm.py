"""The regime network, and the windows it is trained on."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from pawl.errors import SchemaError
from pawl.models.regime_config import RegimeConfig
from pawl.models.sequences import Sequences

__all__ = ["RegimeLSTM", "RegimeSequenceDataset"]


class RegimeLSTM(nn.Module):
    """LSTM over the window, dropout on its last hidden state, one linear layer to the states.

    >>> RegimeLSTM(n_features=3, config=RegimeConfig())(torch.zeros(2, 20, 3)).shape
    torch.Size([2, 5])
    """

    def __init__(self, n_features: int, config: RegimeConfig) -> None:
        super().__init__()
        between_layers = config.dropout if config.layers > 1 else 0.0
        self.lstm = nn.LSTM(n_features, config.hidden, config.layers, batch_first=True, dropout=between_layers)
        self.dropout = nn.Dropout(config.dropout)
        self.fully_connected = nn.Linear(config.hidden, config.n_states)

    def forward(self, windows: Tensor, repeats: Tensor | None = None) -> Tensor:
        """Logits, (n, n_states), of windows (n, seq_len, n_features).

        repeats: rows of `windows` to answer for, repeated as often as listed (see BalancedBatch); all once when None.
        """
        last = self.lstm(windows)[0][:, -1]
        if repeats is not None:
            last = last[repeats]
        logits: Tensor = self.fully_connected(self.dropout(last))
        return logits


class RegimeSequenceDataset(Dataset[tuple[Tensor, Tensor]]):
    """Windows with the state of their last day, for a DataLoader.

    labels: (n_rows,) the state of every row of `sequences.values`, negative where it has none. ends: which windows.
    SchemaError when one of them has no label.
    """

    def __init__(self, sequences: Sequences, labels: npt.NDArray[np.integer], ends: npt.NDArray[np.int64]) -> None:
        self.sequences = sequences
        self.ends = ends
        self.labels = torch.from_numpy(labels[ends].astype(np.int64))
        n_unlabelled = int((self.labels < 0).sum())
        if n_unlabelled:
            raise SchemaError(
                f"{n_unlabelled} of {len(ends)} windows end on a day without a state",
                where="RegimeSequenceDataset",
                fix="leave rows without a label out of the ends",
            )

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        windows, labels = self.__getitems__([index])
        return windows[0], labels[0]

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        # DataLoader asks for a whole batch here when it can: one gather instead of a Python loop over windows.
        rows = np.asarray(indices)
        windows = self.sequences.gather(self.ends[rows])
        return torch.from_numpy(windows), self.labels[torch.from_numpy(rows)]
