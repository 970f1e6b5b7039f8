"""Live = replay: a life of `reversal` with its trainings and tests, played from its record, is the same to the byte."""

import json
from pathlib import Path

import pytest

from small_life import live_and_relive


def _compared(out: str) -> dict[str, int]:
    """What was lived, once all of it was lived again: counts by kind."""
    told = json.loads(out.splitlines()[-1])
    assert {name: one for name, one in told["facts"].items() if not one["is_identical"]} == {}
    return {name: one["lived"]["n"] for name, one in told["facts"].items()}


def test_days_with_a_weekly_training_and_its_test_are_lived_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A seeded sample; `make soak` lives ten days."""
    code = live_and_relive(tmp_path, "60h", monkeypatch)
    counts = _compared(capsys.readouterr().out)
    assert code == 0
    assert counts["decisions"] >= 90 and counts["outcomes"] >= 40 and counts["versions"] >= 2
    assert counts["verdicts"] >= 2 and counts["alias moves"] >= 1 and counts["A/B tests"] >= 1


@pytest.mark.soak
def test_ten_days_with_their_daily_and_weekly_trainings_are_lived_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = live_and_relive(tmp_path, "10d", monkeypatch)
    counts = _compared(capsys.readouterr().out)
    assert code == 0
    assert counts["decisions"] > 1000 and counts["outcomes"] > 500 and counts["versions"] >= 5
    assert counts["verdicts"] >= 5 and counts["alias moves"] >= 1 and counts["A/B tests"] >= 1
