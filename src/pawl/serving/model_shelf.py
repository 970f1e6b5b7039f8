"""The models that serve, each read from the store once and kept; of those nobody asked for lately, the oldest goes."""

import gc
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from pawl.errors import InputError
from pawl.ids import ModelVersion
from pawl.jobs.backtesting import load_model
from pawl.jobs.golden import answer_once
from pawl.jobs.workspace import Workspace
from pawl.learners.learner import Learner
from pawl.learners.said import ReadsReadyRows, ReadyRows, Said, require_rows

__all__ = ["ModelShelf", "Shelved", "keep_collector_out"]

AnyLearner = Learner[Any]
Floats = npt.NDArray[np.float64]

MOST_MODELS = 8
"""A champion, both arms of a test and a version somebody compares with, for two learners."""


@dataclass(frozen=True, slots=True)
class Shelved:
    """A version that can be asked. reader: its learner, where that reads ready features, of this form; else None."""

    learner: AnyLearner
    model: Any
    reader: tuple[ReadsReadyRows[Any], ReadyRows] | None

    def say(self, rows: Floats) -> Said:
        """What it says of ready features; InputError where it takes bars alone, or the rows do not fit."""
        if self.reader is None:
            raise InputError(
                f"`{self.learner.spec.name}` reads no ready features", where="body.features", fix="send `market_data`"
            )
        learner, form = self.reader
        require_rows(rows, form)
        return learner.say(self.model, rows)


class ModelShelf:
    """Models by version, and their learners by name; any number of threads may ask at once."""

    def __init__(self, workspace: Workspace, learner_named: Callable[[str], AnyLearner]) -> None:
        self.workspace = workspace
        self._learner_named = learner_named
        self._learners: dict[str, AnyLearner] = {}
        self._shelved: OrderedDict[ModelVersion, Shelved] = OrderedDict()
        self._lock = Lock()

    def learner(self, name: str) -> AnyLearner:
        """The learner of this name; NotFoundError lists the known ones."""
        if name not in self._learners:
            self._learners[name] = self._learner_named(name)
        return self._learners[name]

    def find(self, version: ModelVersion) -> Shelved | None:
        """A version that stands here already; None where it has to be fetched."""
        with self._lock:
            found = self._shelved.get(version)
            if found is not None:
                self._shelved.move_to_end(version)
            return found

    def fetch(self, version: ModelVersion) -> Shelved:
        """A version, read from the store where it has to be: seconds, with the libraries it needs.

        NotFoundError for an unknown one; CorruptArtifactError where its files are gone or changed.
        """
        with self._lock:  # whoever wants the same one waits here, and then finds it standing
            found = self._shelved.get(version)
            if found is None:
                found = self._read(version)
                keep_collector_out()
            self._shelved[version] = found
            self._shelved.move_to_end(version)
            while len(self._shelved) > MOST_MODELS:
                self._shelved.popitem(last=False)
            return found

    def _read(self, version: ModelVersion) -> Shelved:
        record = self.workspace.versions.get(version)
        learner = self.learner(record.learner)
        files = self.workspace.artifacts.load(record.artifact)
        model = load_model(learner, files, record)
        answer_once(learner, model, files)
        reader = (learner, learner.ready_rows(model)) if isinstance(learner, ReadsReadyRows) else None
        return Shelved(learner, model, reader)


def keep_collector_out() -> None:
    """Models and their libraries stay for days: the collector would walk through them while a request waits."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
