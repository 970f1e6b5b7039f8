"""What the benches of reversal measure against and with: the bare torch loop, checkpoints in memory, and two clocks."""

import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import nn

from pawl.models.one_thread import one_thread
from pawl.models.reversal_training import Schedule, Targets
from pawl.models.sequences import Sequences


class Memory:
    """A LayerCache in memory."""

    def __init__(self) -> None:
        self.files: dict[str, Mapping[str, bytes]] = {}

    def get(self, key: str) -> Mapping[str, bytes] | None:
        return self.files.get(key)

    def put(self, key: str, files: Mapping[str, bytes]) -> None:
        self.files[key] = files


def bare(
    start: nn.Module, sequences: Sequences, targets: Targets, schedule: Schedule, n_epochs: int
) -> Callable[[], None]:
    """The loop of a tutorial, with its windows ready."""
    parts = {"train": targets.train_ends, "valid": targets.valid_ends}
    windows = {part: torch.from_numpy(sequences.gather(ends).copy()) for part, ends in parts.items()}
    classes = {part: torch.from_numpy(targets.class_ids[ends]) for part, ends in parts.items()}
    confidence = {part: torch.from_numpy(targets.confidence[ends].astype(np.float32)) for part, ends in parts.items()}
    cross_entropy = nn.CrossEntropyLoss(weight=torch.from_numpy(schedule.class_weights.astype(np.float32)))
    squared = nn.MSELoss()

    def loss_of(part: str, rows: torch.Tensor) -> torch.Tensor:
        answered = start(windows[part][rows])
        both: torch.Tensor = cross_entropy(answered[:, :3], classes[part][rows]) + squared(
            torch.sigmoid(answered[:, 3]), confidence[part][rows]
        )
        return both

    def run() -> None:
        optimiser = torch.optim.Adam(start.parameters(), lr=schedule.learning_rate)
        for _ in range(n_epochs):
            start.train()
            for rows in torch.randperm(len(parts["train"])).split(schedule.batch_size):
                optimiser.zero_grad()
                loss = loss_of("train", rows)
                loss.backward()
                optimiser.step()
                loss.item()
            start.eval()
            with torch.no_grad():
                loss_of("valid", torch.arange(len(parts["valid"]))).item()

    return run


def clocked(work: Callable[[], object]) -> tuple[float, float]:
    """(CPU, wall) seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    with one_thread():
        work()
    return time.process_time() - cpu, time.perf_counter() - wall
