"""The models that a replay holds at a time."""

from pawl.jobs.loaded_models import LoadedModels
from small_workspace import Trained


def test_a_model_is_read_once_and_let_go_when_nothing_serves_it(trained: Trained) -> None:
    models = LoadedModels(trained.workspace, trained.learner)
    record = trained.result.record
    first = models.of(record)
    assert models.of(record) is first
    models.keep_only(set())
    assert models.of(record) is not first
