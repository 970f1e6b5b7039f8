"""Training of the reversal network: in full with early stopping, or a little further from where it stands."""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pawl.errors import SchemaError, TooLittleDataError
from pawl.evaluation.classification import accuracy, confusion_matrix
from pawl.models.one_thread import one_thread
from pawl.models.regime_inference import predict_logits
from pawl.models.reversal_checkpoint import Progress, Shelf
from pawl.models.reversal_config import ReversalNetConfig
from pawl.models.sequences import Sequences
from pawl.models.signal_answers import N_CLASSES

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from pawl.models.reversal_lstm import ReversalDetectionModel

__all__ = [
    "Epoch",
    "Run",
    "Schedule",
    "Targets",
    "TrainedReversal",
    "fresh_reversal",
    "measured_on",
    "train_reversal",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What the windows should say, a row each: (n_rows,) class ids, −1 where unlabelled, and confidences.

    train_ends, valid_ends: last rows of the windows to fit on, and of those to watch; each has a label.
    """

    class_ids: Ints
    confidence: Floats
    train_ends: Ints
    valid_ends: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How to train. patience: None trains all epochs and keeps the last; a number stops early and keeps the best.

    class_weights: (3,) of the cross-entropy.
    """

    learning_rate: float
    max_epochs: int
    batch_size: int
    class_weights: Floats
    confidence_weight: float
    patience: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """seed: of the order of windows and of dropout. shelf: keeps checkpoints. on_epoch: told how many are done."""

    seed: int
    shelf: Shelf | None = None
    on_epoch: Callable[[int], None] = lambda n_epochs: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One pass. Losses: weighted cross-entropy of the classes + weighted squared error of the confidence, a window."""

    train_loss: float
    valid_loss: float
    valid_accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedReversal:
    """The network kept, and its epochs. kept: number of its epoch in `history`."""

    network: "ReversalDetectionModel"
    history: tuple[Epoch, ...]
    kept: int

    @property
    def figures(self) -> Mapping[str, float]:
        """The losses of the epoch kept, their distance, and how many epochs there were."""
        epoch = self.history[self.kept]
        return {
            "train_loss": epoch.train_loss,
            "val_loss": epoch.valid_loss,
            "val_accuracy": epoch.valid_accuracy,
            "loss_gap": epoch.valid_loss - epoch.train_loss,
            "n_epochs": float(len(self.history)),
        }


def fresh_reversal(num_features: int, config: ReversalNetConfig, seed: int) -> "ReversalDetectionModel":
    """A network with initial weights that follow from the seed alone."""
    import torch

    from pawl.models.reversal_lstm import ReversalDetectionModel

    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(torch.Generator().manual_seed(seed).get_state())
        return ReversalDetectionModel(config.sequence_length, num_features, config=config)


def train_reversal(
    start: "ReversalDetectionModel",
    sequences: Sequences,
    targets: Targets,
    schedule: Schedule,
    run: Run,
) -> TrainedReversal:
    """Go on from the parameters of `start`, which stay as they are; Adam on both heads' losses at once.

    sequences: of standardised values. Trained on a GPU where there is one. The same arguments give the same parameters,
    also when a run is cut off and goes on from its last checkpoint in the shelf; a GPU and a CPU give two different
    networks. torch's global generators and thread count are afterwards as before.
    TooLittleDataError with nothing to fit on or to watch; SchemaError when a window has no label or a loss is not
    finite.
    """
    import torch

    _require_labels(targets)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    progress = Progress.begin(copy.deepcopy(start).to(device), schedule.learning_rate, run.seed)
    history: list[Epoch] = []
    shelf = None if run.shelf is None else run.shelf.on(device.type)
    checkpoint = None if shelf is None else shelf.load()
    if checkpoint is not None:
        history = [Epoch(**epoch) for epoch in checkpoint.history]
        progress.restore(checkpoint)
    step = _Step(sequences, targets, schedule, device)
    on_gpu = [device] if device.type == "cuda" else []
    # cuDNN draws the dropout between layers from a state of its own, which no checkpoint can hold.
    own_dropout = torch.backends.cudnn.flags(enabled=start.lstm.num_layers == 1, deterministic=True)
    with one_thread(), torch.random.fork_rng(devices=on_gpu), own_dropout:
        # Dropout draws from the global generator: inside the fork that is ours, outside it is untouched.
        _set_dropout_state(progress.dropout_state, device)
        while not _is_over(history, progress.best, schedule):
            train_loss = step.train(progress)
            history.append(_watched(progress.network, sequences, targets, schedule, train_loss))
            progress.dropout_state = _dropout_state(device)
            last = len(history) - 1
            if schedule.patience is None or history[last].valid_loss < history[progress.best].valid_loss or last == 0:
                progress.keep(last)
            if shelf is not None:
                shelf.offer(len(history), lambda: progress.checkpoint([asdict(epoch) for epoch in history]))
            run.on_epoch(len(history))
    progress.network.load_state_dict(progress.snapshot)
    return TrainedReversal(network=progress.network.cpu().eval(), history=tuple(history), kept=progress.best)


def _dropout_state(device: "torch.device") -> "Tensor":
    import torch

    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _set_dropout_state(state: "Tensor", device: "torch.device") -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)


class _Step:
    """One pass over the training windows, in an order that the progress' own generator draws."""

    def __init__(self, sequences: Sequences, targets: Targets, schedule: Schedule, device: "torch.device") -> None:
        import torch
        from torch import nn

        self.sequences, self.targets, self.schedule, self.device = sequences, targets, schedule, device
        weights = torch.from_numpy(schedule.class_weights.astype(np.float32)).to(device)
        self.classes = nn.CrossEntropyLoss(weight=weights, reduction="sum")
        self.confidence = nn.MSELoss(reduction="sum")

    def train(self, progress: Progress) -> float:
        """Mean loss a window over the pass."""
        import torch

        progress.network.train()
        ends = self.targets.train_ends
        order = torch.randperm(len(ends), generator=progress.generator).numpy()
        total = 0.0
        for begin in range(0, len(order), self.schedule.batch_size):
            rows = ends[order[begin : begin + self.schedule.batch_size]]
            windows = torch.from_numpy(self.sequences.gather(rows)).to(self.device)
            progress.optimiser.zero_grad()
            loss = self._loss(progress.network(windows), rows)
            (loss / len(rows)).backward()  # type: ignore[no-untyped-call]
            progress.optimiser.step()
            total += loss.item()
        return total / len(ends)

    def _loss(self, answered: "Tensor", rows: Ints) -> "Tensor":
        import torch

        class_ids = torch.from_numpy(self.targets.class_ids[rows]).to(self.device)
        confidence = torch.from_numpy(self.targets.confidence[rows].astype(np.float32)).to(self.device)
        both: Tensor = self.classes(answered[:, :N_CLASSES], class_ids) + self.schedule.confidence_weight * (
            self.confidence(torch.sigmoid(answered[:, N_CLASSES]), confidence)
        )
        return both


def measured_on(
    network: "ReversalDetectionModel", sequences: Sequences, targets: Targets, schedule: Schedule, ends: Ints
) -> tuple[float, float]:
    """(loss, accuracy) on labelled windows, without dropout; NaN on none.

    loss: weighted cross-entropy + weighted squared error of the confidence, mean over the windows.
    """
    answered = predict_logits(copy.deepcopy(network).cpu().eval(), replace(sequences, ends=ends)).astype(np.float64)
    if not len(ends):
        return math.nan, math.nan
    scores, class_ids = answered[:, :N_CLASSES], targets.class_ids[ends]
    log_odds = scores - scores.max(axis=1, keepdims=True)
    log_odds -= np.log(np.exp(log_odds).sum(axis=1, keepdims=True))
    losses = -log_odds[np.arange(len(ends)), class_ids] * schedule.class_weights[class_ids]
    misses = (1 / (1 + np.exp(-answered[:, N_CLASSES])) - targets.confidence[ends]) ** 2
    told = accuracy(confusion_matrix(class_ids, scores.argmax(axis=1), N_CLASSES))
    return float((losses + schedule.confidence_weight * misses).mean()), told


def _watched(
    network: "ReversalDetectionModel", sequences: Sequences, targets: Targets, schedule: Schedule, train_loss: float
) -> Epoch:
    valid_loss, told = measured_on(network, sequences, targets, schedule, targets.valid_ends)
    if not (math.isfinite(valid_loss) and math.isfinite(train_loss)):
        raise SchemaError(
            f"the loss is {train_loss} in training and {valid_loss} in validation",
            where="train_reversal",
            fix="hand in standardised values, finite inside every window, or lower the learning rate",
        )
    return Epoch(train_loss=train_loss, valid_loss=valid_loss, valid_accuracy=told)


def _is_over(history: list[Epoch], best: int, schedule: Schedule) -> bool:
    if len(history) >= schedule.max_epochs:
        return True
    return schedule.patience is not None and len(history) - 1 - best >= schedule.patience


def _require_labels(targets: Targets) -> None:
    for name, ends in (("to fit on", targets.train_ends), ("to watch", targets.valid_ends)):
        if len(ends) == 0:
            raise TooLittleDataError(f"no window {name}", where="train_reversal", fix="train on a longer period")
        if (targets.class_ids[ends] < 0).any() or not np.isfinite(targets.confidence[ends]).all():
            raise SchemaError(f"a window {name} has no label", where="train_reversal", fix="leave such rows out")
