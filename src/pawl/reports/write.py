"""Writing a page to disk, whole or not at all."""

import os
import tempfile
from pathlib import Path

from pawl.errors import StorageError

__all__ = ["write_report"]


def write_report(path: Path, html: str) -> None:
    """Put the page at `path`; its folder is made where needed. StorageError leaves what stood there as it was."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise _refused(path, error) from error
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(html)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o644)  # mkstemp gives 0600; a report is made to be shared
        draft.replace(path)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        draft.unlink(missing_ok=True)


def _refused(path: Path, error: OSError) -> StorageError:
    reason = error.strerror or str(error)
    return StorageError(f"the report was not written: {reason}", where=str(path), fix="free or change the folder")
