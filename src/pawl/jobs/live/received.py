"""What the collector received, kept to the byte under its content hash, so that a run can be played again."""

import hashlib
import io
from pathlib import Path

import polars as pl

from pawl.errors import CorruptArtifactError
from pawl.lake.atomic import write_atomically
from pawl.market.bars import BAR_SCHEMA

__all__ = ["keep_page", "kept_page"]


def keep_page(home: Path, bars: pl.DataFrame) -> str:
    """Keep what was received, in the order it came; its hash. bars: BAR_SCHEMA. What is kept already costs nothing."""
    # The hash is over the values, so that another release of the file format finds the same page.
    name = _hash(bars)
    path = _path(home, name)
    if not path.exists():
        buffer = io.BytesIO()
        bars.select(BAR_SCHEMA.names()).write_parquet(buffer, compression="zstd", statistics=False)
        write_atomically(path, buffer.getvalue())
    return name


def kept_page(home: Path, name: str) -> pl.DataFrame:
    """What was received under a hash, BAR_SCHEMA; CorruptArtifactError when it is gone or another."""
    path = _path(home, name)
    found = pl.read_parquet(path) if path.exists() else None
    if found is None or _hash(found) != name:
        raise CorruptArtifactError(f"the page {name[:12]} is not what was received", where=str(path), fix="restore it")
    return found


def _hash(bars: pl.DataFrame) -> str:
    return hashlib.sha256(bars.select(BAR_SCHEMA.names()).write_csv(float_precision=None).encode()).hexdigest()


def _path(home: Path, name: str) -> Path:
    return home / "received" / name[:2] / f"{name}.parquet"
