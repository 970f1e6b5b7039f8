"""A full training of reversal against the bare torch loop on the same windows.

    python bench/reversal.py [--epochs 3] [--repeats 3] [--json FILE]

Ours is `train_reversal` with its validation after every epoch and its checkpoints (kept in memory). The bare loop holds
all windows in one tensor made before the clock starts, draws the same number of batches of 32, takes the same steps
with Adam on the same two losses, and looks at the validation windows once an epoch, in one batch, as anybody would.
Both on one thread, in turn. Ratio: CPU time of ours over that of the loop (and wall time, which a neighbour disturbs).
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import nn

from pawl.models.one_thread import one_thread
from pawl.models.reversal_checkpoint import Shelf
from pawl.models.reversal_config import ReversalNetConfig
from pawl.models.reversal_training import Run, Schedule, Targets, fresh_reversal, train_reversal
from pawl.models.sequences import Sequences

N_TRAIN, N_VALID, N_FEATURES = 8000, 1700, 38
CONFIG = ReversalNetConfig()


class Memory:
    """A LayerCache in memory."""

    def __init__(self) -> None:
        self.files: dict[str, Mapping[str, bytes]] = {}

    def get(self, key: str) -> Mapping[str, bytes] | None:
        return self.files.get(key)

    def put(self, key: str, files: Mapping[str, bytes]) -> None:
        self.files[key] = files


def problem() -> tuple[Sequences, Targets]:
    """Windows over random rows, as many as three months of two pairs give."""
    rng = np.random.default_rng(1)
    n_rows = N_TRAIN + N_VALID + CONFIG.sequence_length
    values = rng.standard_normal((n_rows, N_FEATURES), np.float32)
    ends = np.arange(CONFIG.sequence_length - 1, n_rows)
    class_ids = rng.choice(3, n_rows, p=[0.64, 0.18, 0.18])
    targets = Targets(
        class_ids=class_ids,
        confidence=np.where(class_ids > 0, 1.0, 0.5),
        train_ends=ends[:N_TRAIN],
        valid_ends=ends[N_TRAIN : N_TRAIN + N_VALID],
    )
    return Sequences(values, ends, CONFIG.sequence_length), targets


def ours(epochs: int) -> Callable[[], None]:
    """`train_reversal`, as a full training calls it."""
    sequences, targets = problem()
    schedule = Schedule(
        learning_rate=CONFIG.learning_rate,
        max_epochs=epochs,
        batch_size=CONFIG.batch_size,
        class_weights=np.ones(3),
        confidence_weight=1.0,
        patience=epochs,
    )
    start = fresh_reversal(N_FEATURES, CONFIG, 1)

    def train() -> None:
        shelf = Shelf(cache=Memory(), key="bench", every=CONFIG.checkpoint_every)
        train_reversal(start, sequences, targets, schedule, Run(seed=1, shelf=shelf))

    return train


def bare(epochs: int) -> Callable[[], None]:
    """The loop of a tutorial, with its windows ready."""
    sequences, targets = problem()
    windows = {part: torch.from_numpy(sequences.gather(ends).copy()) for part, ends in _parts(targets)}
    classes = {part: torch.from_numpy(targets.class_ids[ends]) for part, ends in _parts(targets)}
    confidence = {part: torch.from_numpy(targets.confidence[ends].astype(np.float32)) for part, ends in _parts(targets)}
    cross_entropy, squared = nn.CrossEntropyLoss(weight=torch.ones(3)), nn.MSELoss()

    def loss_of(network: nn.Module, part: str, rows: torch.Tensor) -> torch.Tensor:
        answered = network(windows[part][rows])
        both: torch.Tensor = cross_entropy(answered[:, :3], classes[part][rows]) + squared(
            torch.sigmoid(answered[:, 3]), confidence[part][rows]
        )
        return both

    def train() -> None:
        network = fresh_reversal(N_FEATURES, CONFIG, 1)
        optimiser = torch.optim.Adam(network.parameters(), lr=CONFIG.learning_rate)
        for _ in range(epochs):
            network.train()
            for rows in torch.randperm(N_TRAIN).split(CONFIG.batch_size):
                optimiser.zero_grad()
                loss = loss_of(network, "train", rows)
                loss.backward()
                optimiser.step()
                loss.item()
            network.eval()
            with torch.no_grad():
                loss_of(network, "valid", torch.arange(N_VALID)).item()

    return train


def _parts(targets: Targets) -> list[tuple[str, np.ndarray]]:
    return [("train", targets.train_ends), ("valid", targets.valid_ends)]


def clocked(work: Callable[[], None]) -> tuple[float, float]:
    """(CPU, wall) seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    with one_thread():
        work()
    return time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    clocked(ours(1))
    rounds = [(clocked(ours(chosen.epochs)), clocked(bare(chosen.epochs))) for _ in range(chosen.repeats)]
    found = {
        "epochs": chosen.epochs,
        "cpu_sec_ours": round(median(mine[0] for mine, _ in rounds), 2),
        "cpu_sec_bare": round(median(loop[0] for _, loop in rounds), 2),
        "cpu_ratio": round(median(mine[0] / loop[0] for mine, loop in rounds), 3),
        "wall_ratio": round(median(mine[1] / loop[1] for mine, loop in rounds), 3),
    }
    print(json.dumps(found))
    if chosen.json:
        chosen.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
