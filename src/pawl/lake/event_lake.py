"""The event lake (L0): what was recorded, as it was received, by day and user; added to, and never changed.

`events/day=2024-03-01/user=<uuid>/<first>-<last>-<hash>.parquet`, read-only, and a manifest a batch that names its
files with their hashes and the manifest before it. There is no call that changes or removes a record. Whoever does so
by other means is found: `verify` reads every file and every manifest.
"""

import hashlib
import io
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl

from pawl.errors import RefusalError
from pawl.lake.atomic import clean_leftovers, locked, write_atomically

__all__ = ["LAKE_SCHEMA", "EventLake", "LakeFault", "LakeRecord"]

LAKE_SCHEMA = pl.Schema(
    {
        "event_id": pl.String(),
        "table": pl.String(),
        "record_id": pl.String(),
        "user_id": pl.String(),
        "recorded_at": pl.Datetime("us", "UTC"),
        "number": pl.Int64(),
        "body": pl.String(),
    }
)

FIRST = "0" * 64
"""What the first manifest names as the one before it."""

NAME_DIGITS = 16
FILES_AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeRecord:
    """One row of a primary table as it stood at an event. number: place of the event in the chain of its month.

    record_id: the row's key. body: the row as canonical JSON; it holds pseudonymous ids only.
    """

    event_id: UUID
    table: str
    record_id: str
    user_id: UUID
    recorded_at: datetime
    number: int
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeFault:
    """What is wrong with a file. kind: changed, missing, unlisted (in no manifest), or broken (a manifest)."""

    kind: str
    path: str


class EventLake:
    """The lake of one workspace, below `events/`. Several processes may write: they wait for each other."""

    def __init__(self, home: Path) -> None:
        self.root = home / "events"
        self._manifests = self.root / "manifests"

    def append(self, records: Iterable[LakeRecord]) -> int:
        """Add records; how many were new. One that stands already, of the same event and table, is passed over.

        RefusalError where one stands already and says something else: nothing in the lake is written again. A writer
        that is killed leaves all of a batch, or what the next writer clears away.
        """
        wanted = sorted(records, key=lambda one: (one.recorded_at, one.number, one.table, one.record_id))
        if not wanted:
            return 0
        with locked(self.root / ".lock"):
            clean_leftovers(self._manifests)
            standing = _paths_by_folder(self._listed())
            new: dict[str, list[LakeRecord]] = {}
            for folder, of_folder in _by_folder(wanted).items():
                self._clear(folder, standing.get(folder, ()))
                new[folder] = self._missing(folder, of_folder, standing.get(folder, ()))
            files = self._write_all({folder: records for folder, records in new.items() if records})
            if files:
                self._write_manifest(files)
            return sum(file["n_rows"] for file in files.values())

    def scan(self, user_id: UUID | None = None) -> pl.DataFrame:
        """Every record, or those of one user, in the order they were recorded in: LAKE_SCHEMA."""
        part = "" if user_id is None else f"user={user_id}/"
        paths = [self.root / path for path in sorted(self._listed()) if part in path]
        frames = [pl.read_parquet(path) for path in paths]
        return pl.concat([LAKE_SCHEMA.to_frame(), *frames]).sort("recorded_at", "number", "table", "record_id")

    def verify(self) -> list[LakeFault]:
        """Every file that is not what its manifest says, in the order of paths; none where all is well."""
        faults = [LakeFault(kind="broken", path=path) for path in self._broken_manifests()]
        listed = self._listed()
        for path, file in listed.items():
            whole = self.root / path
            if not whole.exists():
                faults.append(LakeFault(kind="missing", path=path))
            elif hashlib.sha256(whole.read_bytes()).hexdigest() != file["sha256"]:
                faults.append(LakeFault(kind="changed", path=path))
        there = (path.relative_to(self.root).as_posix() for path in self.root.glob("day=*/user=*/*.parquet"))
        faults.extend(LakeFault(kind="unlisted", path=path) for path in there if path not in listed)
        return sorted(faults, key=lambda fault: (fault.path, fault.kind))

    def _listed(self) -> dict[str, Any]:
        """Path below the root → what its manifest says of it."""
        files: dict[str, Any] = {}
        for path in self._manifest_paths():
            files |= _read_manifest(path).get("files", {})
        return files

    def _manifest_paths(self) -> list[Path]:
        return sorted(self._manifests.glob("*.json"))

    def _broken_manifests(self) -> list[str]:
        """Manifests that cannot be read, are not what their name says, or do not follow the one before."""
        broken, previous = [], FIRST
        for number, path in enumerate(self._manifest_paths(), 1):
            data = path.read_bytes()
            hashed = hashlib.sha256(data).hexdigest()
            is_named = path.name == f"{number:08d}-{hashed[:NAME_DIGITS]}.json"
            if not is_named or _read_manifest(path).get("previous") != previous:
                broken.append(path.relative_to(self.root).as_posix())
            previous = hashed
        return broken

    def _clear(self, folder: str, listed: Collection[str]) -> None:
        """Take away what a killed writer left: it never came to list it. The lock is held."""
        clean_leftovers(self.root / folder)
        for path in (self.root / folder).glob("*.parquet"):
            if path.relative_to(self.root).as_posix() not in listed:
                path.unlink()

    def _missing(self, folder: str, records: Sequence[LakeRecord], listed: Collection[str]) -> list[LakeRecord]:
        standing: dict[tuple[str, str, str], str] = {}
        for path in listed:
            rows = pl.read_parquet(self.root / path, columns=["event_id", "table", "record_id", "body"])
            standing |= {(event, table, name): body for event, table, name, body in rows.iter_rows()}
        missing: list[LakeRecord] = []
        for one in records:
            key = (str(one.event_id), one.table, one.record_id)
            if key not in standing:
                standing[key] = one.body
                missing.append(one)
            elif standing[key] != one.body:
                raise RefusalError(
                    f"event {one.event_id} stands in the lake with another row of {one.table}",
                    where=str(self.root / folder),
                    fix="nothing in the lake is written again; find out which of the two is true: pawl ledger verify",
                )
        return missing

    def _write_all(self, new: Mapping[str, Sequence[LakeRecord]]) -> dict[str, Any]:
        """A file a folder. Many at once: one by one, the waiting for the disk is nearly all of the time."""
        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            written = list(pool.map(self._write, new.keys(), new.values()))
        return {path: file for one in written for path, file in one.items()}

    def _write(self, folder: str, records: Sequence[LakeRecord]) -> dict[str, Any]:
        rows = [
            (str(one.event_id), one.table, one.record_id, str(one.user_id), one.recorded_at, one.number, one.body)
            for one in records
        ]
        buffer = io.BytesIO()
        pl.DataFrame(rows, schema=LAKE_SCHEMA, orient="row").write_parquet(buffer, compression="zstd")
        data = buffer.getvalue()
        hashed = hashlib.sha256(data).hexdigest()
        numbers = [one.number for one in records]
        name = f"{folder}/{min(numbers):010d}-{max(numbers):010d}-{hashed[:NAME_DIGITS]}.parquet"
        write_atomically(self.root / name, data)
        os.chmod(self.root / name, 0o444)
        return {name: {"sha256": hashed, "n_rows": len(rows), "first": min(numbers), "last": max(numbers)}}

    def _write_manifest(self, files: Mapping[str, Any]) -> None:
        paths = self._manifest_paths()
        previous = hashlib.sha256(paths[-1].read_bytes()).hexdigest() if paths else FIRST
        data = json.dumps({"previous": previous, "files": files}, sort_keys=True, indent=1).encode()
        name = f"{len(paths) + 1:08d}-{hashlib.sha256(data).hexdigest()[:NAME_DIGITS]}.json"
        write_atomically(self._manifests / name, data)
        os.chmod(self._manifests / name, 0o444)


def _by_folder(records: Sequence[LakeRecord]) -> dict[str, list[LakeRecord]]:
    folders: dict[str, list[LakeRecord]] = {}
    for one in records:
        folder = f"day={one.recorded_at.astimezone(UTC):%Y-%m-%d}/user={one.user_id}"
        folders.setdefault(folder, []).append(one)
    return folders


def _paths_by_folder(listed: Iterable[str]) -> dict[str, set[str]]:
    folders: dict[str, set[str]] = {}
    for path in listed:
        folders.setdefault(path.rpartition("/")[0], set()).add(path)
    return folders


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        read: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError:
        return {}
    return read
