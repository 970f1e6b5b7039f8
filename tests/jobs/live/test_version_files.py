"""Files of a version under the names of the spec; its paths name the bytes."""

from datetime import UTC, datetime
from pathlib import Path

from pawl.ids import ModelVersion
from pawl.jobs.live.version_files import name_files
from pawl.learners.reversal_files import VersionFacts
from pawl.registry.artifacts import ArtifactStore

FACTS = VersionFacts(
    version=ModelVersion("reversal-3.3"),
    parent_version=None,
    training_type="full",
    trained_at=datetime(2025, 10, 19, tzinfo=UTC),
    metrics={},
)
MODEL = {name: name.encode() for name in ("stage1.safetensors", "stage2.safetensors", "scaler.json", "features.json")}


def test_every_path_leads_to_the_bytes_of_the_file_it_is_named_for(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    named = name_files(store, tmp_path, MODEL, FACTS)
    store.save(named.files)
    assert set(named.files) == {*(f"reversal-3.3_{name}" for name in MODEL), "reversal-3.3_metadata.json"}
    assert (tmp_path / named.paths["scaler_path"]).read_bytes() == b"scaler.json"
    assert (tmp_path / named.paths["stage2_model_path"]).read_bytes() == b"stage2.safetensors"
    assert named.columns == {
        "model_path": named.paths["stage1_model_path"],
        "scaler_path": named.paths["scaler_path"],
        "metadata_path": named.paths["metadata_path"],
    }
    assert all(len(path) <= 255 for path in named.paths.values())


def test_a_file_that_is_not_there_has_no_path(tmp_path: Path) -> None:
    named = name_files(ArtifactStore(tmp_path / "artifacts"), tmp_path, {"model.txt": b""}, FACTS)
    assert set(named.paths) == {"metadata_path"}
