"""The models that a replay holds at a time (tests/jobs/test_replaying.py runs the whole of it)."""

from pawl.jobs.replay import _Models
from small_workspace import Trained


def test_a_model_is_read_once_and_let_go_when_nothing_serves_it(trained: Trained) -> None:
    models = _Models(trained.workspace, trained.learner)
    record = trained.result.record
    first = models.of(record)
    assert models.of(record) is first
    models.keep_only(set())
    assert models.of(record) is not first
