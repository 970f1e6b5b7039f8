"""What stands in a workspace, seen without changing it."""

from pathlib import Path

import pytest

from ledger_world import judged, move, promoted, trained
from pawl.errors import NotFoundError
from pawl.ids import ModelVersion
from pawl.jobs.ledgers import replay_ledgers
from pawl.jobs.overview import overview
from pawl.jobs.replaying import Progress, Watch
from pawl.jobs.workspace import Workspace
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import roll_back
from pawl.settings import Settings
from small_replay import run
from small_workspace import fill, nobody


def test_an_empty_workspace_holds_nothing_and_stays_empty(tmp_path: Path) -> None:
    found = overview(Settings(home=tmp_path))
    assert (found.learners, found.jobs, found.replays) == ((), {}, {})
    assert list(tmp_path.iterdir()) == []


def test_what_serves_what_was_before_and_what_is_newest(tmp_path: Path) -> None:
    with Ledger.open(tmp_path).transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        promoted(tx, "m002-1.1", on=2)
        trained(tx, "m002-1.2")
        judged(tx, "m002-1.2", passes=False, on=3)
    (one,) = overview(Settings(home=tmp_path)).learners
    assert (one.learner, one.role, one.champion, one.before) == ("m002", "policy", "m002-1.1", "m002-1.0")
    assert (one.newest, one.newest_verdict, one.since) == ("m002-1.2", "fail", move(2).at)
    assert one.by_status == {"champion": 1, "retired": 1, "refused": 1}
    with Ledger.open(tmp_path).transaction() as tx:
        roll_back(tx, "m002", "policy", ModelVersion("m002-1.0"), move(4))
    (one,) = overview(Settings(home=tmp_path)).learners
    assert (one.champion, one.before, one.since) == ("m002-1.0", None, move(4).at)


def test_a_replay_that_was_cut_off_is_there_and_not_finished(tmp_path: Path) -> None:
    fill(Workspace.at(tmp_path))

    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, watch=Watch(on_stage=nobody, on_step=interrupt))
    ((name, state),) = overview(Settings(home=tmp_path)).replays.items()
    assert (state.learner, state.ledger_hash, state.start[:10]) == ("lightgbm_no_regime", None, "2022-03-01")
    sealed = run(tmp_path)
    assert sealed.home.name == name
    assert overview(Settings(home=tmp_path)).replays[name].ledger_hash == sealed.ledger_hash
    with pytest.raises(NotFoundError, match="no replay"):
        replay_ledgers(tmp_path, "another")
