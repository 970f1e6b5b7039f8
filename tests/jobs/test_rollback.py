"""Going back: only to the version before, only when it answers as it did, and always on record."""

from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import polars as pl
import pytest

from ledger_world import loop_came_to, verdict
from pawl.errors import CorruptArtifactError, RefusalError
from pawl.ids import ModelVersion
from pawl.jobs import rollback
from pawl.jobs.live.rollout_rules import RolloutRules
from pawl.jobs.rollback import Asked, RolledBack, roll_back_learner
from pawl.jobs.training import train
from pawl.jobs.workspace import Workspace
from pawl.learners.m002 import M002, M002Model, M002Variant
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import Move, list_deployments, promote
from pawl.ledger.evaluations import NewEvaluation, record_evaluation
from pawl.ledger.live_log import live_entries
from pawl.ledger.model_versions import champion
from small_workspace import NOW, SMALL, TO, fill, nobody, order

LEARNER = M002(SMALL, M002Variant.LINEAR)
LATER = NOW + timedelta(days=1)


def serve_two(workspace: Workspace) -> Workspace:
    fill(workspace)
    for number, to in enumerate((TO - timedelta(days=30), TO)):
        record = train(workspace, LEARNER, order(to=to), nobody).record
        with workspace.versions.ledger.transaction() as tx:
            found = verdict(is_first=number == 0)
            new = NewEvaluation(version=record.version, baseline=champion(tx, "linear"), verdict=found, figures={})
            report = record_evaluation(tx, new, NOW)
            promote(tx, record.version, report.eval_id, Move(by="test", reason="better", at=NOW))
    return workspace


@pytest.fixture
def served(workspace: Workspace) -> Workspace:
    """Two versions that served one after the other."""
    return serve_two(workspace)


def go_back(workspace: Workspace, learner: M002 = LEARNER, to: ModelVersion | None = None) -> RolledBack:
    asked = Asked(by="pawl rollback", reason="it lost", now=LATER, to=to)
    return roll_back_learner(workspace, learner, asked, RolloutRules(), monotonic)


def serving(workspace: Workspace) -> str | None:
    with workspace.versions.ledger.reading() as tx:
        return champion(tx, "linear")


def test_the_version_before_serves_again_and_the_log_says_why(served: Workspace) -> None:
    """At the instant of the loop, where one lives, and not of the day."""
    reached = NOW + timedelta(hours=1)
    with served.versions.ledger.transaction() as tx:
        loop_came_to(tx, reached, "linear")
    done = go_back(served)
    assert (done.from_version, done.to_version) == ("linear-1.1", "linear-1.0")
    assert serving(served) == "linear-1.0"
    with served.versions.ledger.reading() as tx:
        last, (act,) = list_deployments(tx, "linear")[-1], live_entries(tx, "linear", "act")
    assert (last.what, last.by, last.reason, last.at) == ("rollback", "pawl rollback", "it lost", reached)
    assert (act.name, act.at) == ("rollback", reached)
    with pytest.raises(RefusalError, match="nothing served before"):
        go_back(served)


def test_rev_r40_a_version_further_back_serves_again_in_one_step(tmp_path: Path, ledger: Ledger) -> None:
    """REV-R40: any version that served and is kept; the log says so. One that never served is refused. On both
    databases.
    """
    served = serve_two(Workspace.at(tmp_path, ledger))
    record = train(served, LEARNER, order(to=TO + timedelta(days=30)), nobody).record
    with pytest.raises(RefusalError, match="did not serve before"):
        go_back(served, to=record.version)
    with served.versions.ledger.transaction() as tx:
        new = NewEvaluation(version=record.version, baseline=champion(tx, "linear"), verdict=verdict(), figures={})
        report = record_evaluation(tx, new, NOW)
        promote(tx, record.version, report.eval_id, Move(by="test", reason="better", at=NOW))
    done = go_back(served, to=ModelVersion("linear-1.0"))
    assert (done.from_version, done.to_version, serving(served)) == (record.version, "linear-1.0", "linear-1.0")
    with served.versions.ledger.reading() as tx:
        last = list_deployments(tx, "linear")[-1]
    assert (last.what, last.from_version, last.to_version) == ("rollback", record.version, "linear-1.0")
    assert (last.by, last.reason, last.at) == ("pawl rollback", "it lost", LATER)
    with pytest.raises(RefusalError, match="nothing served before"):
        go_back(served)


class Drifted(M002):
    """The same learner after an upgrade that moves one answer in its last bit."""

    def predict(self, model: M002Model, bars: pl.DataFrame, since: Any = None) -> pl.DataFrame:
        said = super().predict(model, bars, since)
        return said.with_columns(pl.col("policy_score") * (1 + 2**-52))


def test_a_version_that_answers_otherwise_is_refused_and_nothing_moves(served: Workspace) -> None:
    with pytest.raises(RefusalError, match="policy_score") as refused:
        go_back(served, Drifted(SMALL, M002Variant.LINEAR))
    assert refused.value.exit_code == 1
    assert serving(served) == "linear-1.1"
    with served.versions.ledger.reading() as tx:
        assert [one.what for one in list_deployments(tx, "linear")] == ["promote", "promote"]


def test_a_changed_byte_of_the_artifact_moves_nothing(served: Workspace) -> None:
    record = served.versions.get("linear-1.0")
    blob = served.artifacts.path_of(record.artifact)
    blob.write_bytes(blob.read_bytes() + b" ")
    with pytest.raises(CorruptArtifactError):
        go_back(served)
    assert serving(served) == "linear-1.1"


def test_the_predictions_are_compared_before_the_alias_moves(
    served: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str | None] = []

    def watch(*parts: object) -> str | None:
        asked.append(serving(served))
        return None

    monkeypatch.setattr(rollback, "golden_difference", watch)
    go_back(served)
    assert asked == ["linear-1.1"]
