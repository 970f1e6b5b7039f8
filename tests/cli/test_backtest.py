"""What `pawl backtest` tells a person, and where it leaves the page."""

import json
from pathlib import Path

import pytest

from pawl.cli.main import run
from pawl.jobs.training import train
from pawl.jobs.workspace import Workspace
from pawl.learners.m002 import M002
from small_workspace import SMALL, fill, nobody, order

ENDS = ["--to", "2023-01-01"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the version m002-1.0, which has read bars to 2022-10-01."""
    workspace = Workspace.at(tmp_path_factory.mktemp("home"))
    fill(workspace)
    train(workspace, M002(SMALL), order(), nobody)
    return workspace.home


def test_a_person_reads_figures_span_and_the_path_of_the_newest_page(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["backtest", "m002-1.0", *ENDS, "--home", str(home)]) == 0
    printed = capsys.readouterr().out
    assert "beside linear" in printed
    assert "trades on 2 tickers, 2022-10-06 to 2023-01-01, which no run of this version has read." in printed
    assert printed.rstrip().endswith(f"Report: {home / 'report.html'}")
    kept = home / "reports" / "m002-1.0_2022-10-06_2023-01-01.html"
    assert (home / "report.html").read_bytes() == kept.read_bytes()


def test_a_program_reads_which_page_belongs_to_this_backtest(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["backtest", "m002-1.0", "--from", "2022-11-01", *ENDS, "--tickers", "BBB", "--home", str(home)]
    assert run([*arguments, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["report"] == str(home / "reports" / "m002-1.0_2022-11-01_2023-01-01.html")
    assert (answer["from"], answer["to"]) == ("2022-11-01T00:00:00+00:00", "2023-01-01T00:00:00+00:00")
    assert {*answer["baselines"]} == {*answer["intervals"]["sharpe"]["baselines"]} == {"linear", "lightgbm_no_regime"}
    assert answer["net_return"] == answer["metrics"]["net_return"]
    assert Path(answer["report"]).read_bytes() == (home / "report.html").read_bytes()


def test_a_refused_backtest_leaves_the_newest_page_as_it_was(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "report.html").write_text("the page of another day")
    assert run(["backtest", "m002-1.0", "--from", "2022-10-05", *ENDS, "--home", str(home)]) == 2
    assert "2022-10-06" in capsys.readouterr().err
    assert (home / "report.html").read_text() == "the page of another day"
