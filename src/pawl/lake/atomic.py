"""Files that are either the old ones or the new ones, never something between."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

from pawl.errors import StorageError

__all__ = ["clean_leftovers", "locked", "place_atomically", "storage_error", "write_atomically"]

TEMPORARY = ".*.tmp"


def write_atomically(path: Path, data: bytes) -> None:
    """Put bytes at a path: into a temporary file beside it, to the disk, then over the old name.

    Folders are made as needed. StorageError when the disk is full or cannot be written; the old file then stands.
    """

    def write(temporary: Path) -> None:
        temporary.write_bytes(data)

    place_atomically(path, write)


def place_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Put what `write` writes into the path it is given at `path`, under the same promises as `write_atomically`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(temporary)
            _sync(temporary)
            os.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        _sync(path.parent)
    except OSError as error:
        raise storage_error(error, path) from error


def clean_leftovers(folder: Path) -> None:
    """Remove the temporary files of writers that died. The caller holds the lock, so no writer is alive."""
    try:
        for leftover in folder.glob(TEMPORARY):
            leftover.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the one lock of a store; a second writer, in any process, waits. A process that dies lets go of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("wb")
    except OSError as error:
        raise storage_error(error, path) from error
    with file:
        flock(file, LOCK_EX)
        yield


def _sync(path: Path) -> None:
    # Of a file its bytes; of a folder its names, which may be lost in a power cut although the bytes were kept.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def storage_error(error: OSError, path: Path) -> StorageError:
    """What a failed write means, in words."""
    return StorageError(
        f"cannot write: {error.strerror or error}",
        where=str(path),
        fix="free some space or choose a writable --home; what stood there before still stands, and a new run goes on",
    )
