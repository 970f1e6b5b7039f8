"""The workers that the core's `joblib.Parallel` runs on: chosen here and nowhere else."""

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
        backend="loky", n_jobs=n_jobs, inner_max_num_threads=1
    )
    return chosen
