"""What a version and its incremental ancestors have read, so that nothing is compared on it."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import sqlalchemy as sa

from pawl.errors import CorruptArtifactError
from pawl.learners.reversal_daily import READ_SCHEMA
from pawl.ledger.model_versions import StoredVersion, get_version
from pawl.registry.artifacts import ArtifactStore

__all__ = ["READ_FILE", "Lineage", "lineage_of", "read_from_bytes", "read_rows", "read_to_bytes"]

READ_FILE = "read.parquet"
"""The rows that an incremental version has read, beside its model; those of its ancestors lie with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """updates: incremental versions, the newest first, each trained from the next. base: the full one below them."""

    updates: Sequence[StoredVersion]
    base: StoredVersion

    @property
    def base_read_until(self) -> datetime:
        """Until when the full version has read anything."""
        return self.base.max_t1


def lineage_of(tx: sa.Connection, version: str) -> Lineage:
    """A version with all that it was trained from; NotFoundError where a parent is not on record."""
    updates = []
    one = get_version(tx, version)
    while one.parent is not None:
        updates.append(one)
        one = get_version(tx, one.parent)
    return Lineage(updates=tuple(updates), base=one)


def read_rows(artifacts: ArtifactStore, lineage: Lineage) -> pl.DataFrame:
    """READ_SCHEMA: all that the incremental versions of a lineage have read."""
    frames = [read_from_bytes(artifacts.load(one.artifact), one.version) for one in lineage.updates]
    return pl.concat([pl.DataFrame(schema=READ_SCHEMA), *frames])


def read_to_bytes(read: pl.DataFrame) -> bytes:
    """Rows as a file."""
    into = io.BytesIO()
    read.select(READ_SCHEMA.names()).write_parquet(into, compression="zstd", statistics=False)
    return into.getvalue()


def read_from_bytes(files: Mapping[str, bytes], version: str) -> pl.DataFrame:
    """The rows that a version has read, from its files. CorruptArtifactError where it does not say."""
    if READ_FILE not in files:
        raise CorruptArtifactError(
            f"`{version}` does not say what it has read",
            where=READ_FILE,
            fix="nothing may be compared with it: let a full version serve",
        )
    return pl.read_parquet(io.BytesIO(files[READ_FILE])).match_to_schema(READ_SCHEMA)
