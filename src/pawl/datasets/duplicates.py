"""A prompt with its response stands once in a dataset: the first time it was said."""

from dataclasses import dataclass

import polars as pl

__all__ = ["Distinct", "distinct_rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distinct:
    """The rows that were kept, in their order, and how many were not."""

    rows: pl.DataFrame
    n_duplicates: int


def distinct_rows(rows: pl.DataFrame) -> Distinct:
    """One row of each (prompt_hash, response_hash): the earliest decision; of one instant, the smaller trajectory_id.

    rows: of all sides of the splits together, so that no pair stands on two of them. A null hash is a value like any
    other.

    >>> rows = pl.DataFrame({"prompt_hash": ["p", "p", "p"], "response_hash": ["r", "s", "r"], "decided_at": [3, 2, 1],
    ...                      "trajectory_id": ["a", "b", "c"]})
    >>> found = distinct_rows(rows)
    >>> found.rows.get_column("trajectory_id").to_list(), found.n_duplicates
    (['b', 'c'], 1)
    """
    age = pl.struct("decided_at", "trajectory_id").rank("ordinal").over("prompt_hash", "response_hash")
    kept = rows.filter(age == 1)
    return Distinct(rows=kept, n_duplicates=rows.height - kept.height)
