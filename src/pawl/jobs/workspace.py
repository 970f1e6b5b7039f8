"""The workspace: every store of one --home, opened together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pawl.errors import CorruptArtifactError
from pawl.jobs.code_version import code_version
from pawl.lake.atomic import write_atomically
from pawl.lake.silver import SilverStore
from pawl.ledger.database import Ledger
from pawl.registry.artifacts import ArtifactStore
from pawl.registry.versions import VersionStore

__all__ = ["StoredLayers", "Workspace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The stores below one folder; each makes what it needs when it first writes."""

    home: Path
    silver: SilverStore
    artifacts: ArtifactStore
    versions: VersionStore

    @classmethod
    def at(cls, home: Path, ledger: Ledger | None = None) -> Self:
        """The workspace below `home`, which need not exist yet. ledger: None for SQLite in it."""
        return cls(
            home=home,
            silver=SilverStore(home),
            artifacts=ArtifactStore(home / "artifacts"),
            versions=VersionStore(home, ledger),
        )

    @property
    def layers(self) -> "StoredLayers":
        """Layers that this very code has fitted in earlier runs, by everything else they follow from."""
        return StoredLayers(self.artifacts, self.home / "cache" / "layers" / code_version())


class StoredLayers:
    """A LayerCache on disk: a key is a small file that names a set of artifacts."""

    def __init__(self, artifacts: ArtifactStore, root: Path) -> None:
        self.artifacts = artifacts
        self.root = root

    def get(self, key: str) -> Mapping[str, bytes] | None:
        """The files under a key; None when there are none.

        CorruptArtifactError when they are not what was put there. They are told once and forgotten: the next run fits
        the layer again.
        """
        path = self.root / key
        if not path.exists():
            return None
        try:
            return self.artifacts.load(path.read_text(encoding="ascii"))
        except CorruptArtifactError as error:
            path.unlink(missing_ok=True)
            raise CorruptArtifactError(
                f"a fitted layer of an earlier run is spoiled: {error.what}",
                where=error.where,
                fix="run the same command again: the layer is fitted anew",
            ) from error

    def put(self, key: str, files: Mapping[str, bytes]) -> None:
        """Keep the files under a key."""
        write_atomically(self.root / key, self.artifacts.save(files).encode("ascii"))
