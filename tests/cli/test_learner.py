"""`pawl learner check`: exit codes and words; tests/test_own_learner.py tries it on a whole learner."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pawl.cli.main import run
from pawl.jobs import contract
from pawl.learners.learner import Learner
from pawl.learners.m002 import M002

Answers = dict[str, str | None]
KEPT: Answers = {"predict_is_pure": None, "a_seed_repeats": None}
BROKEN: Answers = {**KEPT, "a_seed_repeats": "m002: two fits with one seed differ"}


def answer_with(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Learner[Any], int]]:
    """Let the checks (which take seconds, and have tests of their own) answer so; gives what they were asked."""
    asked: list[tuple[Learner[Any], int]] = []

    def check(learner: Learner[Any], seed: int, on_stage: Callable[[str, float], None]) -> Answers:
        on_stage("trying the contract", 0.0)
        asked.append((learner, seed))
        return answers

    monkeypatch.setattr(contract, "check_contract", check)
    return asked


def test_a_learner_that_keeps_its_promises_ends_with_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.toml").write_text("seed = 21\n[m002]\nn_folds = 3\n")
    asked = answer_with(KEPT, monkeypatch)
    assert run(["learner", "check", "m002", "--home", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"learner": "m002", "ok": True, "checks": KEPT}
    ((learner, seed),) = asked
    assert isinstance(learner, M002)
    assert (learner.config.n_folds, seed) == (3, 21)


def test_a_broken_promise_is_an_honest_no(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(BROKEN, monkeypatch)
    assert run(["learner", "check", "m002", "--home", str(tmp_path), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["checks"]) == (False, BROKEN)


def test_a_person_reads_a_line_a_promise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(BROKEN, monkeypatch)
    assert run(["learner", "check", "m002", "--home", str(tmp_path)]) == 1
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == ["predict_is_pure kept", "a_seed_repeats BROKEN: m002: two fits with one seed differ"]


def test_an_unknown_learner_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["learner", "check", "m003", "--home", str(tmp_path), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["fix"] == "known learners: m002, reversal"
