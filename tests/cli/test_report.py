"""`pawl report monthly`: files, an answer, and honest refusals."""

import json
from pathlib import Path

import pytest

from monthly_world import months
from pawl.cli.main import run
from pawl.ledger.database import Ledger


@pytest.fixture
def home(tmp_path: Path) -> Path:
    months(tmp_path)
    Ledger.open(tmp_path).close()
    return tmp_path


def test_rev_r37_the_report_of_a_month_is_written_on_request(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["report", "monthly", "reversal", "--month", "2025-12", "--home", str(home)]
    assert run([*asked, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["learner"], answer["month"], answer["act"], answer["ranking"]) == ("reversal", "2025-12", None, [])
    assert Path(answer["html"]) == home / "reports" / "monthly" / "reversal" / "2025-12.html"
    assert Path(answer["html"]).exists() and Path(answer["markdown"]).exists()
    assert run(asked) == 0
    told = capsys.readouterr().out
    assert told.startswith("No selection was held over this month.")
    assert str(home / "reports" / "monthly" / "reversal" / "2025-12.html") in told


@pytest.mark.parametrize(
    ("month", "code", "said"), [("2999-01", 1, "has not ended"), ("2026", 2, "is no month"), ("x", 2, "is no month")]
)
def test_a_month_that_cannot_be_reported_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], month: str, code: int, said: str
) -> None:
    assert run(["report", "monthly", "reversal", "--month", month, "--home", str(home)]) == code
    assert said in capsys.readouterr().err


def test_an_empty_workspace_and_an_unknown_learner_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["report", "monthly", "reversal", "--month", "2025-12", "--home", str(tmp_path / "none")]
    assert run(asked) == 2
    assert "no version was ever trained here" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
    assert run(["report", "monthly", "unheard", "--month", "2025-12", "--home", str(tmp_path)]) == 2
