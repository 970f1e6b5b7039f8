"""The reversal network: one LSTM over the window, one head for the signal's class and one for its confidence."""

import torch
from torch import Tensor, nn

from pawl.errors import SettingsError
from pawl.labels.reversal import SIGNAL_CLASSES
from pawl.models.reversal_config import SEQUENCE_LENGTH, ReversalNetConfig

__all__ = ["MODE", "NUM_FEATURES", "ReversalDetectionModel", "SignalHeads"]

NUM_FEATURES = 38
MODE = "mode1"
"""The one mode there is: the signal's class, and how sure it is."""


class SignalHeads(nn.Module):
    """Both heads on the last hidden state: the logits of SIGNAL_CLASSES, then the logit of the confidence.

    >>> SignalHeads(hidden=8)(torch.zeros(2, 8)).shape
    torch.Size([2, 4])
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.signal = nn.Linear(hidden, len(SIGNAL_CLASSES))
        self.confidence = nn.Sequential(nn.Linear(hidden, 16), nn.ReLU(), nn.Linear(16, 1))
        self.out_features = len(SIGNAL_CLASSES) + 1

    def forward(self, hidden: Tensor) -> Tensor:
        """(n, 4) of hidden states (n, hidden)."""
        return torch.cat([self.signal(hidden), self.confidence(hidden)], dim=1)


class ReversalDetectionModel(nn.Module):
    """Stage 1 is the LSTM with the signal head, stage 2 the confidence head.

    >>> ReversalDetectionModel(sequence_length=20, num_features=38, mode="mode1")(torch.zeros(2, 20, 38)).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        sequence_length: int = SEQUENCE_LENGTH,
        num_features: int = NUM_FEATURES,
        mode: str = MODE,
        config: ReversalNetConfig | None = None,
    ) -> None:
        if mode != MODE:
            raise SettingsError(f"no mode `{mode}`", where="ReversalDetectionModel", fix=f"the mode is `{MODE}`")
        super().__init__()
        size = config or ReversalNetConfig()
        self.sequence_length = sequence_length
        between_layers = size.dropout if size.layers > 1 else 0.0
        self.lstm = nn.LSTM(num_features, size.hidden, size.layers, batch_first=True, dropout=between_layers)
        self.dropout = nn.Dropout(size.dropout)
        self.fully_connected = SignalHeads(size.hidden)

    @property
    def device(self) -> torch.device:
        """Where its parameters lie."""
        return next(self.parameters()).device

    def forward(self, windows: Tensor) -> Tensor:
        """(n, 4) logits of windows (n, sequence_length, num_features)."""
        last = self.lstm(windows)[0][:, -1]
        answer: Tensor = self.fully_connected(self.dropout(last))
        return answer
