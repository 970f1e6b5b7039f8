"""The rows of a dataset version: their hash, and the file in which they are kept beside the ledger."""

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID

import polars as pl

from pawl.datasets.layers import Layer
from pawl.ids import DatasetHash
from pawl.lake.atomic import place_atomically

__all__ = ["file_hash", "layer_hash", "rows_path", "write_rows"]

ROWS_AT_ONCE = 50_000


def rows_path(home: Path, dataset_version_id: UUID) -> Path:
    """Where the rows of a version lie in a workspace."""
    return home / "datasets" / str(dataset_version_id) / "rows.parquet"


def layer_hash(layer: Layer) -> DatasetHash:
    """SHA-256 over the rows in their order, each as one line of JSON: whatever file they lie in, or none."""
    return _hash(part.select(layer.columns) for part in layer.source.iter_slices(ROWS_AT_ONCE))


def file_hash(path: Path) -> DatasetHash:
    """The same hash, over the rows in a file."""
    return _hash(_parts(path))


def write_rows(layer: Layer, path: Path) -> None:
    """Keep the rows as zstd Parquet: whole or not at all. A file that stands there already is left as it is."""
    if path.exists():
        return

    def write(temporary: Path) -> None:
        lazy = layer.source.lazy().select(layer.columns)
        try:
            lazy.sink_parquet(temporary, compression="zstd", row_group_size=ROWS_AT_ONCE)
        except pl.exceptions.PolarsError as error:  # how a full disk reaches us
            raise OSError(str(error)) from error
        os.chmod(temporary, 0o444)

    place_atomically(path, write)


def _parts(path: Path) -> Iterator[pl.DataFrame]:
    yield from pl.scan_parquet(path).collect_batches(chunk_size=ROWS_AT_ONCE, maintain_order=True)


def _hash(parts: Iterable[pl.DataFrame]) -> DatasetHash:
    digest = hashlib.sha256()
    for part in parts:
        lines = io.BytesIO()
        part.write_ndjson(lines)
        digest.update(lines.getbuffer())
    return DatasetHash(digest.hexdigest())
