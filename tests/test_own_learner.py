"""The learner of docs/own-learner.md is a whole one: it passes the contract and goes all the way."""

import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from pawl.cli.main import run
from pawl.jobs.ledgers import replay_ledgers
from pawl.learners.checks import LEARNER_CHECKS
from pawl.ledger.decision_tables import replays
from pawl.ledger.replay_log import newest_trace

PAGE = Path(__file__).parents[1] / "docs" / "own-learner.md"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    file = tmp_path / "momentum.py"
    file.write_text(code, encoding="utf-8")
    (tmp_path / "settings.toml").write_text(f'[learners]\nmomentum = "{file}"\n', encoding="utf-8")
    return tmp_path


def test_the_learner_of_the_page_keeps_the_contract(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["learner", "check", "momentum", "--home", str(workspace), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"]
    assert {*answer["checks"]} == {*LEARNER_CHECKS}


def test_the_page_names_every_check() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in LEARNER_CHECKS if f"| {name} |" not in text] == []


def test_the_learner_of_the_page_trains_and_is_scored(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(workspace), "--json"]
    backfill = ["--source", "simulated", "--tickers", "AAA,BBB", "--timeframe", "1d"]
    assert run(["data", "backfill", *backfill, "--from", "2021-01-01", "--to", "2023-01-01", *home]) == 0
    assert run(["train", "momentum", "--to", "2022-06-01", *home]) == 0
    assert run(["backtest", "momentum-1.0", *home]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["version"] == "momentum-1.0"
    assert last["trades"] > 0


def test_the_learner_of_the_page_is_replayed_and_its_file_is_part_of_what_a_replay_is_of(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(workspace), "--json"]
    backfill = ["--source", "simulated", "--tickers", "AAA,BBB", "--timeframe", "1d"]
    assert run(["data", "backfill", *backfill, "--from", "2021-01-01", "--to", "2023-01-01", *home]) == 0

    def replay() -> tuple[list[str], str]:
        assert run(["replay", "--learner", "momentum", "--from", "2022-06-01", "--to", "2022-12-01", *home]) == 0
        answer = json.loads(capsys.readouterr().out.splitlines()[-1])
        return [one["version"] for one in answer["versions"]], answer["replay_id"]

    versions, first = replay()
    assert versions == ["momentum-1.0", "momentum-1.1", "momentum-1.2"]
    assert run(["explain", decision_of(workspace), *home]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["identical"] is True
    file = workspace / "momentum.py"
    file.write_text(file.read_text(encoding="utf-8").replace('share") > 0.5', 'share") > 0.4'), encoding="utf-8")
    assert replay()[1] != first


def decision_of(workspace: Path) -> str:
    """The trace of a decision of the workspace's one replay."""
    (ledger,) = replay_ledgers(workspace).values()
    with ledger.reading() as tx:
        replay_id = tx.execute(sa.select(replays.c.replay_id)).scalar_one()
        return newest_trace(tx, replay_id) or ""


def test_a_learner_that_breaks_its_promise_is_named(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = workspace / "momentum.py"
    leaking = file.read_text(encoding="utf-8").replace(", share=share)", ", share=share - share.mean())")
    file.write_text(leaking, encoding="utf-8")
    assert run(["learner", "check", "momentum", "--home", str(workspace), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert "the future leaks" in answer["checks"]["predictions_do_not_change_when_the_future_is_cut"]


@pytest.mark.parametrize(
    ("content", "what"),
    [(None, "is not a file"), ("x = 1\n", "defines no function learner()")],
)
def test_a_file_that_holds_no_learner_is_told(
    workspace: Path, capsys: pytest.CaptureFixture[str], content: str | None, what: str
) -> None:
    file = workspace / "momentum.py"
    file.unlink() if content is None else file.write_text(content, encoding="utf-8")
    assert run(["train", "momentum", "--home", str(workspace), "--json"]) == 2
    assert what in json.loads(capsys.readouterr().out)["error"]["what"]


def test_an_unknown_learner_lists_the_known_ones(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "m003", "--home", str(workspace), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["fix"] == "known learners: m002, momentum, reversal"
