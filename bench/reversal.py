"""A full training of reversal against the bare torch loop on the same windows.

    python bench/reversal.py [--epochs 3] [--repeats 3] [--json FILE]

Ours is `train_reversal` with its validation after every epoch and its checkpoints (kept in memory). The bare loop holds
all windows in one tensor made before the clock starts, draws the same number of batches of 32, takes the same steps
with Adam on the same two losses, and looks at the validation windows once an epoch, in one batch, as anybody would.
Both on one thread, in turn. Ratio: CPU time of ours over that of the loop (and wall time, which a neighbour disturbs).
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from pawl.models.reversal_checkpoint import Shelf
from pawl.models.reversal_config import ReversalNetConfig
from pawl.models.reversal_training import Run, Schedule, Targets, fresh_reversal, train_reversal
from pawl.models.sequences import Sequences
from reversal_loop import Memory, bare, clocked

N_TRAIN, N_VALID, N_FEATURES = 8000, 1700, 38
CONFIG = ReversalNetConfig()


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


def schedule(epochs: int) -> Schedule:
    """As a full training takes its steps, with all classes of one weight."""
    return Schedule(
        learning_rate=CONFIG.learning_rate,
        max_epochs=epochs,
        batch_size=CONFIG.batch_size,
        class_weights=np.ones(3),
        confidence_weight=1.0,
        patience=epochs,
    )


def ours(epochs: int) -> Callable[[], None]:
    """`train_reversal`, as a full training calls it."""
    sequences, targets = problem()
    start = fresh_reversal(N_FEATURES, CONFIG, 1)

    def train() -> None:
        shelf = Shelf(cache=Memory(), key="bench", every=CONFIG.checkpoint_every)
        train_reversal(start, sequences, targets, schedule(epochs), Run(seed=1, shelf=shelf))

    return train


def loop(epochs: int) -> Callable[[], None]:
    """The bare loop on the same windows."""
    return bare(fresh_reversal(N_FEATURES, CONFIG, 1), *problem(), schedule(epochs), epochs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    clocked(ours(1))
    rounds = [(clocked(ours(chosen.epochs)), clocked(loop(chosen.epochs))) for _ in range(chosen.repeats)]
    found = {
        "epochs": chosen.epochs,
        "cpu_sec_ours": round(median(mine[0] for mine, _ in rounds), 2),
        "cpu_sec_bare": round(median(theirs[0] for _, theirs in rounds), 2),
        "cpu_ratio": round(median(mine[0] / theirs[0] for mine, theirs in rounds), 3),
        "wall_ratio": round(median(mine[1] / theirs[1] for mine, theirs in rounds), 3),
    }
    print(json.dumps(found))
    if chosen.json:
        chosen.json.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
