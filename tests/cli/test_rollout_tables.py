"""What there was of rollouts and A/B tests, as it is shown."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pawl.cli.main import run
from pawl.jobs.live.rollout_orders import By
from pawl.jobs.live.rollouts import abort_by_hand
from pawl.ledger.database import Ledger
from rollout_world import BEGAN, NEW, OLD, THIRD, Life, Said, harmful
from small_workspace import Ask


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    """A learner whose candidates are let in by an A/B test."""
    ledger = Ledger.open(tmp_path)
    yield Life(ledger, plan="reversal")
    ledger.close()


def winning(version: str, number: int) -> Said:
    is_win = number % 10 < (8 if version == NEW else 5)
    return Said(pnl=0.001 if is_win else -0.001, confidence=0.8 if version == NEW else 0.5)


def lived(life: Life) -> None:
    """One candidate wins its test, and the next one is aborted in shadow."""
    life.begin()
    life.live(7.1, winning)
    assert life.tick()[0] == NEW
    life.plan = "default"
    with life.ledger.transaction() as tx:
        life.judged(tx, THIRD)
    life.begin(THIRD)
    abort_by_hand(life.world, THIRD, "odd trades", By(who="anna", at=life.at))


def test_every_step_of_every_rollout_is_shown(
    life: Life, tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(tmp_path, "rollout", "history") == (0, [])
    lived(life)
    code, (first, second) = ask(tmp_path, "rollout", "history")
    assert code == 0
    assert [(one["version"], one["champion"], one["plan"], one["status"]) for one in (first, second)] == [
        (NEW, OLD, "reversal", "promoted"), (THIRD, NEW, "default", "aborted")
    ]  # fmt: skip
    assert [(step["from"], step["to"], step["by"]) for step in first["steps"][:2]] == [
        (None, "A/B 50 %", "pawl"), ("A/B 50 %", "full", "pawl")
    ]  # fmt: skip
    won = first["steps"][1]
    assert won["deployment_id"] and won["eval_id"] and won["evidence"]["ab_test"]["winner"] == "model_b"
    assert won["evidence"]["test"]["blocks"] > 0, "the paired sequence of the same days stands beside it"
    assert ask(tmp_path, "rollout", "history", THIRD)[1] == [second]
    assert ask(tmp_path, "rollout", "history", "m002-7.7")[0] == 2
    assert run(["rollout", "history", "--home", str(tmp_path)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"{THIRD} against {NEW}, plan default: aborted" in told
    assert f"{life.at:%Y-%m-%d %H:%M} shadow: aborted by anna: aborted by anna: odd trades" in told
    assert "A/B 50 % → full: running by pawl, the alias moved" in told


def test_every_test_is_listed_with_its_arms_and_its_winner(
    life: Life, tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(tmp_path, "rollout", "tests") == (0, [])
    lived(life)
    code, (test,) = ask(tmp_path, "rollout", "tests")
    assert code == 0
    assert (test["learner"], test["status"], test["winner"], test["traffic_split"]) == (
        "m002", "completed", "model_b", 0.5
    )  # fmt: skip
    assert (test["started"], test["ends"]) == (BEGAN.isoformat(), (BEGAN + timedelta(days=7)).isoformat())
    assert 0 <= test["p_value"] < 0.05 and test["arms"][NEW]["win_rate"] > test["arms"][OLD]["win_rate"]
    assert ask(tmp_path, "rollout", "tests", "--learner", "reversal") == (0, [])
    assert run(["rollout", "tests", "--home", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "model_b" in told and f"{test['arms'][NEW]['win_rate']:.1%}" in told


def test_a_test_that_broke_off_has_no_winner(life: Life, tmp_path: Path, ask: Ask) -> None:
    life.begin()
    life.live(1, harmful)
    life.tick()
    (test,) = ask(tmp_path, "rollout", "tests")[1]
    assert (test["status"], test["winner"], test["p_value"]) == ("stopped", None, None)
