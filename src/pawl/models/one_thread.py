"""One thread a model: parallelism goes over models."""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_thread"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread inside the block, and what it used before after it.

    Also what makes a sum reproducible: two threads add in another order. On two shared cores a second thread made
    training 1.8 times slower and batches of 64 to 256 windows up to 100 times (bench/lstm.py).
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
