"""Records of passed proofs, so that training can ask for one: files in the workspace, named by set and definition."""

import json
from pathlib import Path

from pawl.features.feature import FeatureSet
from pawl.features.sets import definition_hash
from pawl.ids import DatasetHash
from pawl.lake.atomic import write_atomically

__all__ = ["ProofRecords"]


class ProofRecords:
    """The proofs of a workspace, in `home/proofs/<set>-<hash>.json`, a file for each definition and content.

    A changed line in the code of a feature, or a changed bar, asks for a new proof.
    """

    def __init__(self, home: Path) -> None:
        self.folder = home / "proofs"

    def put(self, features: FeatureSet, content_hash: DatasetHash) -> Path:
        """Record that this set, as it is defined now, passed its proof on the bars of this hash."""
        path = self._path(features, content_hash)
        write_atomically(path, json.dumps(_record(features, content_hash), indent=2).encode())
        return path

    def has(self, features: FeatureSet, content_hash: DatasetHash) -> bool:
        """Whether this set, as it is defined now, passed its proof on exactly these bars."""
        try:
            record = json.loads(self._path(features, content_hash).read_bytes())
        except (FileNotFoundError, ValueError):
            return False
        return bool(record == _record(features, content_hash))

    def _path(self, features: FeatureSet, content_hash: DatasetHash) -> Path:
        return self.folder / f"{features.name}-{definition_hash(features)[:16]}-{content_hash[:16]}.json"


def _record(features: FeatureSet, content_hash: DatasetHash) -> dict[str, str]:
    return {"feature_set": features.name, "definition": definition_hash(features), "bars": content_hash}
