"""The workspace and its cache of fitted layers."""

import pytest

from pawl.errors import CorruptArtifactError
from pawl.jobs import workspace as workspace_module
from pawl.jobs.workspace import Workspace


def test_opening_a_workspace_makes_nothing(workspace: Workspace) -> None:
    assert list(workspace.home.iterdir()) == []


def test_a_layer_is_found_under_its_key_and_under_no_other(workspace: Workspace) -> None:
    layers = workspace.layers
    layers.put("a" * 64, {"head.txt": b"tree"})
    assert layers.get("a" * 64) == {"head.txt": b"tree"}
    assert layers.get("b" * 64) is None


def test_a_layer_that_other_code_has_fitted_is_not_used(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.layers.put("a" * 64, {"head.txt": b"tree"})
    monkeypatch.setattr(workspace_module, "code_version", lambda: "0.1.0+000000000000")
    assert workspace.layers.get("a" * 64) is None


def test_a_spoiled_layer_is_told_once_and_fitted_anew(workspace: Workspace) -> None:
    layers = workspace.layers
    layers.put("a" * 64, {"head.txt": b"tree"})
    blob = next(path for path in workspace.artifacts.root.rglob("*") if path.is_file() and path.read_bytes() == b"tree")
    blob.write_bytes(b"reet")
    with pytest.raises(CorruptArtifactError, match="fitted anew"):
        layers.get("a" * 64)
    assert layers.get("a" * 64) is None
    layers.put("a" * 64, {"head.txt": b"tree"})
    assert layers.get("a" * 64) == {"head.txt": b"tree"}
