"""`pawl status`: what serves, and what was replayed."""

from pathlib import Path

import pytest

from ledger_world import START, failed
from pawl.cli.main import run
from pawl.ledger.database import Ledger
from pawl.ledger.train_jobs import STOPPED
from small_workspace import Ask, prepare


def test_an_empty_workspace_says_what_to_do_and_stays_empty(
    tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer = ask(tmp_path, "status")
    assert (code, answer["learners"], answer["replays"], answer["jobs"]) == (0, [], [], {})
    assert run(["status", "--home", str(tmp_path)]) == 0
    assert "Next: pawl train LEARNER (m002, reversal), or pawl up" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_replay_stands_beside_what_serves_and_is_none_of_it(replayed: Path, ask: Ask) -> None:
    code, answer = ask(replayed, "status")
    assert (code, answer["learners"]) == (0, [])
    (one,) = answer["replays"]
    assert (one["learner"], one["from"][:10], one["to"][:10], one["finished"]) == (
        "m002",
        "2022-03-01",
        "2022-09-01",
        True,
    )


def test_what_serves_and_what_waits_is_told(tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    home = prepare(tmp_path)
    for _ in range(2):
        assert run(["train", "m002", "--to", "2022-10-01", "--home", str(home), "--json"]) == 0
    assert ask(home, "status")[1]["learners"][0]["champion"] is None
    assert run(["promote", "m002-1.0", "--home", str(home)]) == 0
    (one,) = ask(home, "status")[1]["learners"]
    assert (one["champion"], one["before"], one["newest"], one["newest_verdict"]) == (
        "m002-1.0",
        None,
        "m002-1.1",
        "pass",
    )
    assert one["versions"] == {"champion": 1, "challenger": 1}
    assert ask(home, "status")[1]["jobs"] == {"succeeded": 2}
    capsys.readouterr()
    assert run(["status", "--home", str(home)]) == 0
    printed = capsys.readouterr().out
    assert "m002: m002-1.0 serves since " in printed
    assert "newest m002-1.1 (pass)" in printed


def test_a_training_that_was_told_to_end_is_not_called_failed(
    tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger.open(tmp_path)
    with ledger.transaction() as tx:
        for why in (STOPPED, "out of memory", STOPPED):
            failed(tx, "m002-1.0", why, START)
    ledger.close()
    answer = ask(tmp_path, "status")[1]
    assert answer["jobs"] == {"failed": 1, "stopped": 2}
    capsys.readouterr()
    assert run(["status", "--home", str(tmp_path)]) == 0
    assert "training jobs: 1 failed, 2 stopped\n" in capsys.readouterr().out
