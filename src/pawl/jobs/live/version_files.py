"""The files of a version of `reversal` under the names of its spec, and where their bytes lie."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from pawl.learners.reversal_files import VersionFacts, named_files
from pawl.registry.artifacts import ArtifactStore

__all__ = ["NamedVersion", "name_files"]

_VERSION_COLUMNS = {
    "stage1_model_path": "stage1.safetensors",
    "stage2_model_path": "stage2.safetensors",
    "scaler_path": "scaler.json",
    "features_path": "features.json",
    "metadata_path": "metadata.json",
}
_JOB_COLUMNS = {"model_path": "stage1_model_path", "scaler_path": "scaler_path", "metadata_path": "metadata_path"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedVersion:
    """files: by their names in the spec. paths: columns of `model_versions`. columns: of the training job.

    Paths are below the workspace and name the bytes, which are stored once under their SHA-256.
    """

    files: Mapping[str, bytes]
    paths: Mapping[str, str]
    columns: Mapping[str, str] = field(default_factory=dict)


def name_files(
    artifacts: ArtifactStore, home: Path, model_files: Mapping[str, bytes], facts: VersionFacts
) -> NamedVersion:
    """Files of a version as the spec names them. model_files: as the model gives them."""
    files = named_files(model_files, facts)
    lies = {
        column: artifacts.path_of(sha256(files[name]).hexdigest()).relative_to(home).as_posix()
        for column, ending in _VERSION_COLUMNS.items()
        if (name := f"{facts.version}_{ending}") in files
    }
    return NamedVersion(
        files=files,
        paths=lies,
        columns={column: lies[source] for column, source in _JOB_COLUMNS.items() if source in lies},
    )
