"""`pawl train` and `pawl backtest` as other tools call them: keys, exit codes, refusals."""

import json
from pathlib import Path
from typing import Any

import pytest

from pawl.cli.main import run
from pawl.jobs.workspace import Workspace
from small_workspace import SMALL_SETTINGS, fill


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a trained version, made through the command."""
    home = tmp_path_factory.mktemp("home")
    (home / "settings.toml").write_text(SMALL_SETTINGS)
    fill(Workspace.at(home))
    assert run(["train", "m002", "--to", "2022-10-01", "--home", str(home), "--json"]) == 0
    return home


def answer_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """Exit code, and the one JSON object on stdout."""
    capsys.readouterr()
    code = run(arguments)
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, answer


def test_train_answers_with_version_certificate_metrics_and_baselines(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer = answer_of(
        ["train", "m002", "--to", "2022-09-01", "--tickers", "AAA", "--home", str(home), "--json"], capsys
    )
    assert code == 0
    assert {"version", "certificate", "metrics", "baselines"} <= {*answer}
    assert {"dataset_hash", "max_ts", "max_t1", "seed", "code", "libraries"} <= {*answer["certificate"]}
    assert answer["certificate"]["max_t1"] == "2022-08-31T00:00:00+00:00"
    assert {*answer["baselines"]} == {"linear", "lightgbm_no_regime"}


def test_backtest_answers_with_its_figures(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["backtest", "m002-1.0", "--from", "2022-10-06", "--to", "2023-01-01", "--home", str(home), "--json"]
    code, answer = answer_of(arguments, capsys)
    assert code == 0
    keys = {"version", "trades", "net_return", "sharpe", "max_drawdown", "hit_rate", "turnover", "ece"}
    assert keys <= {*answer}
    assert answer["version"] == "m002-1.0"
    assert isinstance(answer["trades"], int)
    assert Path(answer["report"]).stat().st_size > 100_000


def test_a_range_that_was_read_is_refused_with_the_first_allowed_date(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["backtest", "m002-1.0", "--from", "2022-10-05", "--to", "2023-01-01", "--home", str(home), "--json"]
    code, answer = answer_of(arguments, capsys)
    assert code == 2
    assert answer["error"]["code"] == "overlaps_training"
    assert "2022-10-06" in answer["error"]["fix"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["train", "m002", "--to", "2020-01-01"], "too_little_data"),
        (["train", "m002", "--to", "yesterday"], "bad_input"),
        (["train", "m002", "--tickers", "NOPE"], "not_found"),
        (["backtest", "m002-7.0"], "not_found"),
        (["backtest", "seven"], "not_found"),
    ],
)
def test_bad_input_is_one_error_object_and_exit_2(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: str
) -> None:
    exit_code, answer = answer_of([*arguments, "--home", str(home), "--json"], capsys)
    assert exit_code == 2
    assert answer["error"]["code"] == code
    assert {*answer["error"]} == {"code", "what", "where", "fix"}


def test_an_empty_workspace_says_how_to_fill_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = answer_of(["train", "m002", "--home", str(tmp_path), "--json"], capsys)
    assert code == 2
    assert "pawl data import" in answer["error"]["fix"]


def test_people_read_a_table_and_the_next_command(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "m002", "--to", "2022-10-01", "--home", str(home)]) == 0
    printed = capsys.readouterr().out
    assert "average precision" in printed
    assert "Next: pawl backtest m002-1." in printed
    assert run(["backtest", "m002-1.0", "--home", str(home)]) == 0
    printed = capsys.readouterr().out
    assert "beside linear" in printed
    assert "which no run of this version has read" in printed
