"""Models of recorded versions, each read from the store once while it is needed."""

from collections.abc import Collection
from typing import Any

from pawl.ids import ModelVersion
from pawl.jobs.backtesting import load_model
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.ledger.model_versions import require_files
from pawl.registry.versions import VersionRecord

__all__ = ["LoadedModels"]

AnyLearner = Learner[Any]


class LoadedModels:
    """The models of one learner's versions."""

    def __init__(self, workspace: Workspace, learner: AnyLearner) -> None:
        self.workspace = workspace
        self.learner = learner
        self._loaded: dict[ModelVersion, Any] = {}

    def of(self, record: VersionRecord) -> Any:  # noqa: ANN401 - a model is whatever its learner fits
        """The version's own model, without its baselines; CorruptArtifactError where a byte of it was changed,
        RefusalError where its files were given up.
        """
        if record.version not in self._loaded:
            require_files(record.version, record.files_removed_at)
            files = self.workspace.artifacts.load(record.artifact)
            self._loaded[record.version] = load_model(self.learner, files, record)
        return self._loaded[record.version]

    def keep_only(self, versions: Collection[ModelVersion]) -> None:
        """Let go of every other model: memory stays flat over the length of a replay."""
        self._loaded = {version: model for version, model in self._loaded.items() if version in versions}
