"""Content-addressed files: each lies under its own SHA-256, so a changed byte cannot go unseen."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pawl.errors import CorruptArtifactError
from pawl.lake.atomic import write_atomically

__all__ = ["ArtifactStore"]


class ArtifactStore:
    """Sets of named files. A set is known by the SHA-256 of its manifest (name → SHA-256 of the file's bytes).

    Equal files are stored once. Nothing sound is ever written again; what was spoiled is mended by saving it again.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def save(self, files: Mapping[str, bytes]) -> str:
        """Store the files; gives the id of the set. StorageError on a full disk; what stood before still stands."""
        manifest = {name: self._save_blob(content) for name, content in sorted(files.items())}
        return self._save_blob(json.dumps(manifest, sort_keys=True).encode())

    def load(self, set_id: str) -> dict[str, bytes]:
        """The files of a set, each checked against its SHA-256 (CorruptArtifactError when a byte differs)."""
        manifest: dict[str, str] = json.loads(self._load_blob(set_id, "manifest"))
        return {name: self._load_blob(digest, name) for name, digest in manifest.items()}

    def path_of(self, digest: str) -> Path:
        """Where the bytes with this SHA-256 lie."""
        return self.root / digest[:2] / digest

    def _save_blob(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = self.path_of(digest)
        if not path.exists() or path.read_bytes() != content:
            write_atomically(path, content)
        return digest

    def _load_blob(self, digest: str, name: str) -> bytes:
        path = self.path_of(digest)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise CorruptArtifactError(
                f"`{name}` is gone", where=str(path), fix="restore it from a backup, or train the version again"
            ) from None
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            raise CorruptArtifactError(
                f"`{name}` has SHA-256 {found[:12]}…, not {digest[:12]}…: its bytes were changed",
                where=str(path),
                fix="restore it from a backup, or train the version again",
            )
        return content
