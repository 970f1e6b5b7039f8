"""The workers that the core's `joblib.Parallel` runs on: chosen here and nowhere else."""

import signal
from contextlib import AbstractContextManager

import joblib

__all__ = ["workers"]


def workers(n_jobs: int) -> AbstractContextManager[object]:
    """Local processes, one thread each, around a block of work. n_jobs: count.

    >>> with workers(1):
    ...     joblib.Parallel()(joblib.delayed(abs)(number) for number in (-1, 2))
    [1, 2]
    """
    chosen: AbstractContextManager[object] = joblib.parallel_config(
        backend="loky", n_jobs=n_jobs, inner_max_num_threads=1, initializer=_leave_signals_to_the_parent
    )
    return chosen


def _leave_signals_to_the_parent() -> None:
    # Ctrl-C and a supervisor's SIGTERM reach the whole group: a worker that died of it would fail the training that its
    # parent is about to end in good order. The parent ends its workers itself, by SIGKILL.
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
