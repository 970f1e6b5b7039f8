"""Content-addressed files: each lies under its own SHA-256, so a changed byte cannot go unseen."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from pawl.errors import CorruptArtifactError
from pawl.lake.atomic import storage_error, write_atomically

__all__ = ["ArtifactStore"]

LARGEST_MANIFEST = 1 << 20  # bytes; thousands of names


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

    def remove(self, set_ids: Collection[str]) -> int:
        """Take sets away, with those of their files that no other set of the store names; how many files went.

        A set that is gone already is passed over, and one whose removal was cut off is finished. Whoever calls sees to
        it that nothing is saved meanwhile: a file found in its place is not written again.
        """
        going = {set_id: manifest for set_id in set_ids if (manifest := _manifest(self.path_of(set_id))) is not None}
        named = {digest for name, manifest in self._manifests() if name not in going for digest in manifest.values()}
        gone = 0
        for set_id, manifest in going.items():
            # The manifest goes last: what a cut-off removal left can be found by it.
            for digest in (*sorted(set(manifest.values()) - named), set_id):
                path = self.path_of(digest)
                try:
                    gone += path.exists()
                    path.unlink(missing_ok=True)
                except OSError as error:
                    raise storage_error(error, path) from error
        return gone

    def _manifests(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Every set that stands in the store, whoever it belongs to."""
        for path in sorted(self.root.glob("??/*")):
            manifest = _manifest(path)
            if manifest is not None:
                yield path.name, manifest

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


def _manifest(path: Path) -> dict[str, str] | None:
    """What a file says when it is a manifest; None for any other, and for none."""
    try:
        if path.stat().st_size > LARGEST_MANIFEST:
            return None
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    is_manifest = isinstance(found, dict) and all(isinstance(one, str) and len(one) == 64 for one in found.values())
    return found if is_manifest else None
