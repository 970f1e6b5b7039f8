"""Training of the regime network (spec m002, 4.3)."""

import copy
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pawl.errors import SchemaError, TooLittleDataError
from pawl.models.balanced import BalancedBatch, balanced_collate_fn
from pawl.models.one_thread import one_thread
from pawl.models.prior import class_shares
from pawl.models.regime_config import RegimeConfig
from pawl.models.regime_inference import predict_logits
from pawl.models.sequences import Sequences

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import nn, optim

    from pawl.models.regime_lstm import RegimeLSTM, RegimeSequenceDataset

__all__ = ["Epoch", "FittedRegime", "RegimeSplit", "fit_regime", "fresh_network", "train_epoch", "train_network"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeSplit:
    """Last rows of the windows to fit on, and of those that choose the snapshot; each has a label."""

    train_ends: Ints
    valid_ends: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One pass. train_loss: mean over evened batches. The rest is of the validation windows, as they are.

    accuracy and confusion (n_states true, n_states predicted) go by the network's largest output, uncorrected.
    """

    train_loss: float
    valid_loss: float
    confusion: Ints

    @property
    def accuracy(self) -> float:
        """Share of validation windows named rightly."""
        return float(np.trace(self.confusion) / self.confusion.sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedRegime:
    """The snapshot with the lowest validation loss, and what its training measured.

    n_sequences: training windows. class_prior: (n_states,) their shares before balancing. best: number of the epoch
    kept, in `history`.
    """

    network: "RegimeLSTM"
    history: tuple[Epoch, ...]
    best: int
    n_sequences: int
    class_prior: Floats

    @property
    def train_loss(self) -> float:
        """Of the epoch kept, over evened batches."""
        return self.history[self.best].train_loss

    @property
    def valid_loss(self) -> float:
        """Of the epoch kept, over the validation windows as they are."""
        return self.history[self.best].valid_loss

    @property
    def accuracy(self) -> float:
        """Of the epoch kept, over the validation windows."""
        return self.history[self.best].accuracy

    @property
    def confusion(self) -> Ints:
        """(n_states true, n_states predicted) counts of validation windows."""
        return self.history[self.best].confusion

    @property
    def class_recall(self) -> Floats:
        """(n_states,) share of each state's validation windows named rightly; NaN for a state without any."""
        totals = self.confusion.sum(axis=1)
        return np.where(totals > 0, np.diag(self.confusion) / np.maximum(totals, 1), np.nan)

    @property
    def missing_states(self) -> tuple[int, ...]:
        """States without a training window: a warning, for the record."""
        return tuple(np.flatnonzero(self.class_prior == 0).tolist())


def fit_regime(
    sequences: Sequences, labels: npt.NDArray[np.integer], split: RegimeSplit, config: RegimeConfig, seed: int
) -> FittedRegime:
    """Train a fresh network (see train_network). The same arguments give the same weights on CPU (M002-R17)."""
    start = fresh_network(sequences.values.shape[1], config, seed)
    return train_network(start, sequences, labels, split, config, seed)


def fresh_network(n_features: int, config: RegimeConfig, seed: int) -> "RegimeLSTM":
    """A network with initial weights that follow from the seed alone."""
    import torch

    from pawl.models.regime_lstm import RegimeLSTM

    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(torch.Generator().manual_seed(seed).get_state())
        return RegimeLSTM(n_features, config)


def train_network(
    start: "RegimeLSTM",
    sequences: Sequences,
    labels: npt.NDArray[np.integer],
    split: RegimeSplit,
    config: RegimeConfig,
    seed: int,
) -> FittedRegime:
    """Go on from the parameters of `start`, which stay as they are; keep those of the lowest validation loss.

    sequences: of standardised values. labels: (n_rows,) state of every row, negative where it has none.
    AdamW, cross-entropy with smoothed labels, batches evened by class, validation untouched (M002-R13 … R16). torch's
    global generator and thread count are afterwards as before.
    TooLittleDataError with fewer than two states in training, or nothing to validate on; SchemaError when a window
    has no label or the loss is not finite.
    """
    import torch
    from torch import nn, optim
    from torch.utils.data import DataLoader

    from pawl.models.regime_lstm import RegimeSequenceDataset

    train = RegimeSequenceDataset(sequences, labels, split.train_ends)
    valid = RegimeSequenceDataset(sequences, labels, split.valid_ends)
    class_prior = class_shares(train.labels.numpy(), config.n_states)
    _check_enough(class_prior, len(valid))
    network = copy.deepcopy(start)
    generator = torch.Generator().manual_seed(seed)
    loader = DataLoader(train, config.batch_size, shuffle=True, generator=generator, collate_fn=balanced_collate_fn)
    criterion = nn.CrossEntropyLoss(weight=None, label_smoothing=config.label_smoothing)
    optimiser = optim.AdamW(network.parameters(), lr=config.learning_rate)
    history: list[Epoch] = []
    best, snapshot = 0, network.state_dict()
    with one_thread(), torch.random.fork_rng(devices=[]):
        # Dropout draws from the global generator: inside the fork that is ours, outside it is untouched.
        torch.set_rng_state(generator.get_state())
        for number in range(config.max_epochs):
            train_loss = train_epoch(network, loader, criterion, optimiser)
            history.append(_validated(network, valid, criterion, train_loss))
            if number == 0 or history[number].valid_loss < history[best].valid_loss:
                best, snapshot = number, copy.deepcopy(network.state_dict())
            elif number - best >= config.patience:
                break
    network.load_state_dict(snapshot)
    return FittedRegime(
        network=network.eval(), history=tuple(history), best=best, n_sequences=len(train), class_prior=class_prior
    )


def train_epoch(
    network: "RegimeLSTM", batches: "Iterable[BalancedBatch]", criterion: "nn.Module", optimiser: "optim.Optimizer"
) -> float:
    """One pass over evened batches; their mean loss, each sample counting once."""
    network.train()
    total, n_samples = 0.0, 0
    for batch in batches:
        optimiser.zero_grad()
        loss = criterion(network(batch.windows, batch.repeats), batch.labels)
        loss.backward()
        optimiser.step()
        total += loss.item() * len(batch.labels)
        n_samples += len(batch.labels)
    return total / n_samples


def _validated(
    network: "RegimeLSTM", valid: "RegimeSequenceDataset", criterion: "nn.Module", train_loss: float
) -> Epoch:
    import torch

    logits = predict_logits(network, replace(valid.sequences, ends=valid.ends))
    valid_loss = float(criterion(torch.from_numpy(logits), valid.labels))
    if not (math.isfinite(valid_loss) and math.isfinite(train_loss)):
        raise SchemaError(
            f"the loss is {train_loss} in training and {valid_loss} in validation",
            where="train_network",
            fix="hand in standardised values, finite inside every window, or lower the learning rate",
        )
    n_states = logits.shape[1]
    confusion = np.bincount(valid.labels.numpy() * n_states + logits.argmax(axis=1), minlength=n_states**2)
    return Epoch(train_loss=train_loss, valid_loss=valid_loss, confusion=confusion.reshape(n_states, n_states))


def _check_enough(class_prior: Floats, n_valid: int) -> None:
    n_present = int((class_prior > 0).sum())
    if n_present < 2:
        raise TooLittleDataError(
            f"{n_present} of {len(class_prior)} states among the training windows",
            where="train_network",
            fix="train on a longer period or on more tickers",
        )
    if n_valid == 0:
        raise TooLittleDataError(
            "no validation window to choose the snapshot by",
            where="train_network",
            fix="train on a longer period or on more tickers",
        )
