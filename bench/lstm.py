"""The regime network: training against a bare torch loop, inference of a million windows against copied batches.

    python bench/lstm.py [--repeats 5] [--windows 1000000] [--json FILE]

Training. `train_epoch` over a DataLoader (shuffling, gathering windows, evening classes) against the bare loop on one
batch made before the clock starts: same network, optimiser, loss and number of steps, the same 256 drawn windows and
about as many evened samples a step. Ratio: evened samples per second, ours over the loop's. A second line compares with
a loop whose batch spells the repeated windows out, as a collate without an index would. Steps alternate, 42 a round, so
that a neighbour on the machine slows all of them alike.

Inference. `predict_probabilities` over all windows against the same torch network on batches of 512 windows copied out
of the matrix; both one thread. Further lines: the reference with two threads, and other batch sizes.

All ratios by wall clock and by CPU time of the process; on a shared machine the second is the one to believe.

Memory. In a fresh process, after the first small prediction: peak resident memory of build_sequences and
predict_probabilities together, less what stood before, plus the matrix, over the matrix.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice, permutations
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import nn, optim
from torch.utils.data import DataLoader

from pawl.models.balanced import BalancedBatch, balanced_collate_fn
from pawl.models.one_thread import one_thread
from pawl.models.regime_config import RegimeConfig
from pawl.models.regime_inference import predict_probabilities
from pawl.models.regime_lstm import RegimeLSTM, RegimeSequenceDataset
from pawl.models.regime_training import fresh_network, train_epoch
from pawl.models.sequences import Sequences, build_sequences

N_FEATURES = 37
ROWS_OF_A_TICKER = 2500
CONFIG = RegimeConfig(max_epochs=1)


def panel(n_windows: int) -> Sequences:
    """Standardised values of tickers of 2,500 rows, with about this many windows."""
    n_tickers = -(-n_windows // (ROWS_OF_A_TICKER - CONFIG.seq_len + 1))
    values = np.random.default_rng(1).standard_normal((n_tickers * ROWS_OF_A_TICKER, N_FEATURES), np.float32)
    return sequences_of(values)


def sequences_of(values: np.ndarray) -> Sequences:
    """The windows over whole tickers of 2,500 rows."""
    row = np.arange(len(values))
    return build_sequences(values, row // ROWS_OF_A_TICKER, row, np.ones(len(values), bool))


class Seconds(NamedTuple):
    """Wall time, and CPU time of this process: the same on a quiet machine, and what neighbours leave alone."""

    wall: float
    cpu: float


def clocked(run: Callable[[], object]) -> Seconds:
    """How long it takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return Seconds(time.perf_counter() - wall, time.process_time() - cpu)


def ratios(name: str, runs: Sequence[tuple[Seconds, Seconds]]) -> dict[str, float]:
    """Median over the runs of the reference's time over ours, by both clocks."""
    by_clock = {"": [other.wall / ours.wall for ours, other in runs], "_cpu": [o.cpu / a.cpu for a, o in runs]}
    return {f"{name}_ratio{clock}": median(values) for clock, values in by_clock.items()}


def bare_step(network: RegimeLSTM, criterion: nn.Module, optimiser: optim.Optimizer, batch: BalancedBatch) -> float:
    """One turn of the torch loop that everybody writes."""
    optimiser.zero_grad()
    loss = criterion(network(batch.windows, batch.repeats), batch.labels)
    loss.backward()
    optimiser.step()
    return float(loss.item())


def measure_training(repeats: int) -> dict[str, float]:
    """Evened samples per second, ours over both loops."""
    sequences = panel(40_000)
    labels = np.random.default_rng(2).choice(5, len(sequences.values), p=[0.3, 0.25, 0.2, 0.15, 0.1])
    dataset = RegimeSequenceDataset(sequences, labels, sequences.ends)
    generator = torch.Generator().manual_seed(1)
    loader = DataLoader(dataset, CONFIG.batch_size, shuffle=True, generator=generator, collate_fn=balanced_collate_fn)
    sizes = [len(batch.labels) for batch in islice(loader, 100)]
    # In one piece of memory, window by window, as a batch usually is; of the typical size.
    drawn = min(islice(loader, 100), key=lambda batch: abs(len(batch.labels) - mean(sizes)))
    same = BalancedBatch(drawn.windows.contiguous(), drawn.repeats, drawn.labels)
    spelled_out = BalancedBatch(same.windows[same.repeats], torch.arange(len(same.labels)), same.labels)
    network = fresh_network(N_FEATURES, CONFIG, 1).train()
    criterion = nn.CrossEntropyLoss(label_smoothing=CONFIG.label_smoothing)
    optimiser = optim.AdamW(network.parameters(), lr=CONFIG.learning_rate)

    def round_of_steps() -> tuple[Seconds, Seconds, Seconds]:
        total, orders = np.zeros((3, 2)), list(permutations(range(3)))
        batches = iter(loader)
        steps = (
            lambda: train_epoch(network, islice(batches, 1), criterion, optimiser),
            lambda: bare_step(network, criterion, optimiser, same),
            lambda: bare_step(network, criterion, optimiser, spelled_out),
        )
        for number in range(42):
            # In turn, for each leaves the cache to the next.
            for which in orders[number % 6]:
                total[which] += clocked(steps[which])
        ours, loop, spelled = (Seconds(*row) for row in total.tolist())
        return ours, loop, spelled

    with one_thread():
        round_of_steps()
        rounds = [round_of_steps() for _ in range(repeats)]
    return {
        "mean_evened_batch": mean(sizes),
        "evened_samples_per_cpu_second": 42 * mean(sizes) / median(ours.cpu for ours, _, _ in rounds),
        **ratios("training", [(ours, loop) for ours, loop, _ in rounds]),
        **ratios("training_spelled_out", [(ours, spelled) for ours, _, spelled in rounds]),
    }


def copied_batches(network: RegimeLSTM, sequences: Sequences, batch: int) -> np.ndarray:
    """Softmax of the torch network over windows copied out of the matrix."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(sequences.ends), batch):
            windows = torch.from_numpy(sequences.gather(sequences.ends[start : start + batch]))
            parts.append(network(windows).softmax(dim=1).numpy())
    return np.concatenate(parts)


def measure_inference(repeats: int, n_windows: int) -> dict[str, float]:
    """Windows per second, ours over the reference's, and what threads and batch sizes do to the reference."""
    sequences = panel(n_windows)
    part = Sequences(sequences.values, sequences.ends[: min(n_windows, 100_000)], sequences.seq_len)
    network = fresh_network(N_FEATURES, CONFIG, 1).eval()
    with one_thread():
        assert np.abs(predict_probabilities(network, part) - copied_batches(network, part, 512)).max() < 1e-6
        pairs = [
            (
                clocked(lambda: predict_probabilities(network, sequences)),
                clocked(lambda: copied_batches(network, sequences, 512)),
            )
            for _ in range(repeats)
        ]
    result = {
        "windows": float(len(sequences.ends)),
        "windows_per_cpu_second": len(sequences.ends) / median(ours.cpu for ours, _ in pairs),
        **ratios("inference", pairs),
    }
    for threads, batch in ((1, 128), (1, 256), (1, 512), (1, 1024), (1, 4096), (2, 512), (2, 4096)):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        copied_batches(network, part, batch)
        runs = [clocked(lambda size=batch: copied_batches(network, part, size)) for _ in range(3)]
        for clock in ("wall", "cpu"):
            seconds = median(getattr(run, clock) for run in runs)
            result[f"reference_{threads}_threads_batch_{batch}_{clock}"] = len(part.ends) / seconds
        torch.set_num_threads(before)
    return result


def measure_memory(n_windows: int) -> float:
    """(Matrix + growth at its peak) / matrix, in this process; call it in a fresh one."""
    network = fresh_network(N_FEATURES, CONFIG, 1)
    predict_probabilities(network, panel(5000))
    n_tickers = -(-n_windows // (ROWS_OF_A_TICKER - CONFIG.seq_len + 1))
    values = np.random.default_rng(1).standard_normal((n_tickers * ROWS_OF_A_TICKER, N_FEATURES), np.float32)
    ticker = np.repeat(np.arange(n_tickers), ROWS_OF_A_TICKER)
    session, is_complete = np.arange(len(values)), np.ones(len(values), bool)
    Path("/proc/self/clear_refs").write_text("5")  # start the peak anew
    before = _status_bytes("VmRSS")
    predict_probabilities(network, build_sequences(values, ticker, session, is_complete))
    return (values.nbytes + _status_bytes("VmHWM") - before) / values.nbytes


def _status_bytes(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key + ":"))


def main() -> None:
    """Measure, print the table, and write JSON where asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--windows", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--memory-only", action="store_true", help="print the memory ratio alone")
    options = parser.parse_args()
    if options.memory_only:
        print(measure_memory(options.windows))
        return
    load_before = os.getloadavg()[0]
    fresh = [sys.executable, __file__, "--memory-only", "--windows", str(options.windows)]
    memory = [float(subprocess.run(fresh, check=True, capture_output=True, text=True).stdout) for _ in range(3)]
    result = {
        **measure_training(options.repeats),
        **measure_inference(options.repeats, options.windows),
        "memory_ratio": median(memory),
        "load_before": load_before,
        "load_after": os.getloadavg()[0],
    }
    table = Table(title="regime LSTM: 37 features, windows of 20, 64 hidden units, one thread")
    for column in ("measure", "by wall clock", "by CPU time", "must", "aim"):
        table.add_column(column, justify="left" if column == "measure" else "right")
    for name, label, must, aim in (
        ("training", "training / bare loop, same shapes", "≥ 0.95", ""),
        ("training_spelled_out", "training / bare loop, repeats spelled out", "", "1.5"),
        ("inference", "inference / copied batches of 512", "≥ 1.0", "1.5"),
    ):
        table.add_row(label, f"{result[f'{name}_ratio']:.2f}", f"{result[f'{name}_ratio_cpu']:.2f}", must, aim)
    table.add_row("peak memory / feature matrix", f"{result['memory_ratio']:.2f}", "", "< 1.3")
    table.add_row("training, evened samples/s", "", f"{result['evened_samples_per_cpu_second']:,.0f}")
    table.add_row("inference, windows/s", "", f"{result['windows_per_cpu_second']:,.0f}")
    for name in result:
        if name.startswith("reference_") and name.endswith("_wall"):
            label = name.removesuffix("_wall").replace("_", " ") + ", windows/s"
            table.add_row(label, f"{result[name]:,.0f}", f"{result[name.replace('_wall', '_cpu')]:,.0f}")
    table.add_row("load average before, after", f"{load_before:.2f}, {result['load_after']:.2f}")
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
