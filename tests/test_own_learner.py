"""The learner of docs/own-learner.md is a whole one: it passes the contract and goes all the way."""

import json
import re
from pathlib import Path

import pytest

from pawl.cli.main import run
from pawl.learners.checks import LEARNER_CHECKS

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
    assert json.loads(capsys.readouterr().out)["error"]["fix"] == "known learners: m002, momentum"
