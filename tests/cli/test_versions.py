"""`pawl versions` and `pawl gate explain` over a replay."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pawl.cli.main import run
from pawl.jobs.replaying import SealedReplay
from pawl.jobs.workspace import Workspace
from small_replay import NAME
from small_replay import run as run_small_replay
from small_workspace import fill


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> SealedReplay:
    home = tmp_path_factory.mktemp("home")
    fill(Workspace.at(home))
    return run_small_replay(home)


def ask(sealed: SealedReplay, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    home = sealed.home.parents[1]
    code = run([*arguments, "--replay", sealed.home.name, "--home", str(home), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_versions_lists_every_version_with_its_verdict(
    sealed: SealedReplay, capsys: pytest.CaptureFixture[str]
) -> None:
    code, rows = ask(sealed, capsys, "versions")
    assert code == 0
    assert {*rows[0]} == {"version", "learner", "role", "status", "trained_at", "max_t1", "dataset_hash", "verdict"}
    judged = {one.record.version: "pass" if one.verdict.passed else "fail" for one in sealed.result.candidates}
    assert {row["version"]: row["verdict"] for row in rows} == judged
    assert [row["status"] for row in rows].count("champion") == 1


def test_versions_at_a_time_says_what_decided_then(sealed: SealedReplay, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(sealed, capsys, "versions", "--at", "2022-03-01")[1] == []
    assert [row["version"] for row in ask(sealed, capsys, "versions", "--at", "2022-03-02")[1]] == [f"{NAME}-1.0"]


def test_the_gate_explains_each_verdict_and_exits_1_for_a_refusal(
    sealed: SealedReplay, capsys: pytest.CaptureFixture[str]
) -> None:
    for one in sealed.result.candidates:
        code, answer = ask(sealed, capsys, "gate", "explain", one.record.version)
        assert code == (0 if one.verdict.passed else 1)
        assert answer["champion"] == one.champion


def test_pass_r45_the_gate_lists_each_verdict_with_its_changes_against_the_version_before(
    sealed: SealedReplay, capsys: pytest.CaptureFixture[str]
) -> None:
    code, rows = ask(sealed, capsys, "gate", "ls")
    assert code == 0
    assert [row["version"] for row in rows] == [one.record.version for one in sealed.result.candidates]
    assert rows[0]["preceding"] is None
    for before, row in pairwise(rows):
        assert row["preceding"] == before["version"]
        change = row["figures"]["hit_rate"] - before["figures"]["hit_rate"]
        assert row["changes"]["hit_rate"] == pytest.approx(change, abs=1e-12)
    assert ask(sealed, capsys, "gate", "ls", "nobody") == (0, [])
    assert run(["gate", "ls", "--replay", sealed.home.name, "--home", str(sealed.home.parents[1])]) == 0
    assert f"{NAME}-1.1" in capsys.readouterr().out


@pytest.mark.parametrize("replay", ["none-1", "../elsewhere"])
def test_an_unknown_replay_lists_the_known_ones(
    sealed: SealedReplay, capsys: pytest.CaptureFixture[str], replay: str
) -> None:
    home: Path = sealed.home.parents[1]
    assert run(["versions", "--replay", replay, "--home", str(home), "--json"]) == 2
    assert sealed.home.name in json.loads(capsys.readouterr().out)["error"]["fix"]


def test_a_workspace_without_a_version_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["versions", "--home", str(tmp_path), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "not_found"
    assert list(tmp_path.iterdir()) == []
