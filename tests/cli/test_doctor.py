"""What the doctor thinks of machines we describe to it, and of the one it runs on."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pawl.cli import main
from pawl.cli.doctor import Check, Verdict, examine
from pawl.cli.machine import Machine, Package

GOOD = Machine(
    python=(3, 11, 2),
    packages=(Package(name="torch", installed="2.13.0+cpu", tested="2.13.0"),),
    n_cores=2,
    memory_gb=16.0,
    disk_gb=100.0,
    home=Path("pawl-home"),
    is_writable=True,
    has_kernel_cache=True,
    threads=None,
    has_gpu=False,
    browser=None,
)


def _named(machine: Machine, name: str) -> Check:
    return next(check for check in examine(machine) if check.name == name)


def test_a_good_machine_is_ok_in_everything() -> None:
    assert {check.name: str(check.verdict) for check in examine(GOOD) if check.verdict is not Verdict.OK} == {}


MISSING = (Package(name="lightgbm", installed=None, tested="4.7.0"),)
OTHER = (Package(name="polars", installed="2.2.0", tested="2.1.0"),)
BAD = [
    ("Python", replace(GOOD, python=(3, 10, 9)), Verdict.FAIL, "3.10.9"),
    ("packages", replace(GOOD, packages=MISSING), Verdict.FAIL, "lightgbm"),
    ("packages", replace(GOOD, packages=OTHER), Verdict.WARN, "polars 2.2.0 (tested: 2.1.0)"),
    ("memory", replace(GOOD, memory_gb=3.9), Verdict.WARN, "3.9 GB"),
    ("memory", replace(GOOD, memory_gb=0.9), Verdict.FAIL, "0.9 GB"),
    ("disk", replace(GOOD, disk_gb=1.0), Verdict.WARN, "1.0 GB"),
    ("disk", replace(GOOD, disk_gb=0.1), Verdict.FAIL, "0.1 GB"),
    ("workspace", replace(GOOD, is_writable=False), Verdict.FAIL, "pawl-home"),
    ("compiled kernels", replace(GOOD, has_kernel_cache=False), Verdict.WARN, "compiles"),
    ("threads", replace(GOOD, threads="8"), Verdict.WARN, "OMP_NUM_THREADS=8"),
]


@pytest.mark.parametrize(("name", "machine", "verdict", "word"), BAD, ids=[f"{row[0]} {row[2]}" for row in BAD])
def test_what_is_wrong_is_named_with_its_fix(name: str, machine: Machine, verdict: Verdict, word: str) -> None:
    check = _named(machine, name)
    assert check.verdict is verdict
    assert word in check.found
    assert check.fix


def test_what_only_tests_need_never_fails() -> None:
    assert _named(replace(GOOD, browser=None, has_gpu=False), "Chromium").verdict is Verdict.OK
    assert _named(replace(GOOD, memory_gb=None), "memory").verdict is Verdict.OK


def test_one_object_for_programs_and_exit_0_where_nothing_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main.run(["doctor", "--json", "--home", str(tmp_path)])
    answer = json.loads(capsys.readouterr().out)
    assert set(answer) == {"ok", "checks"}
    assert all(set(check) == {"name", "verdict", "found", "fix"} for check in answer["checks"])
    assert answer["ok"] is (code == 0)
    verdicts = {check["name"]: check["verdict"] for check in answer["checks"]}
    assert (verdicts["Python"], verdicts["workspace"], verdicts["settings"]) == ("ok", "ok", "ok")
    assert list(tmp_path.iterdir()) == []  # it changes nothing


def test_bad_settings_are_a_failed_check_and_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "settings.toml").write_text("n_jobs = 0\n")
    assert main.run(["doctor", "--json", "--home", str(tmp_path)]) == 1
    answer = json.loads(capsys.readouterr().out)
    settings = next(check for check in answer["checks"] if check["name"] == "settings")
    assert (answer["ok"], settings["verdict"]) == (False, "fail")
    assert "n_jobs" in settings["found"]
    assert "docs/settings.md" in settings["fix"]


def test_a_learner_whose_file_is_gone_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "settings.toml").write_text('[learners]\nmine = "/nowhere/mine.py"\n')
    assert main.run(["doctor", "--home", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("not ready: 1 check failed\n")
    assert "learner mine" in out
    assert "/nowhere/mine.py" in out
    assert out.rstrip().endswith("Next: mend it, then pawl doctor")


def test_a_workspace_that_cannot_be_written_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a-file"
    file.touch()
    # /proc is read-only for root too, whom permissions would not stop.
    assert main.run(["doctor", "--json", "--home", "/proc/pawl"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert next(check for check in answer["checks"] if check["name"] == "workspace")["verdict"] == "fail"
