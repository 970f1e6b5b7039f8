"""Debian's packages for the tests: installed where we may, named loudly where we may not."""

import subprocess
from pathlib import Path

import pytest

import debian

NEEDS = ["chromium", "postgresql", "redis-server"]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The apt-get commands that would have run, on a machine with neither a browser nor a server."""
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        ran.append([(tmp_path / marker).read_text() for marker in (debian.NO_CLUSTER, debian.NO_SERVICE)])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(debian.subprocess, "run", run)
    monkeypatch.setattr(debian.shutil, "which", lambda program: "/usr/bin/apt-get" if program == "apt-get" else None)
    monkeypatch.setattr(debian, "ROOT", tmp_path)
    for need in debian.NEEDS.values():
        monkeypatch.delenv(need.instead, raising=False)
    return ran


def test_root_on_debian_gets_what_is_missing(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian.os, "geteuid", lambda: 0)
    assert debian.main(["chromium"]) == 0
    assert [command[2] for command in commands[::2]] == ["update", "install"]
    assert commands[2][-2:] == ["--no-install-recommends", "chromium"]


def test_the_servers_of_debian_are_installed_but_not_started(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(debian.os, "geteuid", lambda: 0)
    assert debian.main(NEEDS) == 0
    assert commands[-2][-3:] == NEEDS
    assert commands[-1] == ["create_main_cluster = false\n", "#!/bin/sh\nexit 101\n"]
    assert not (tmp_path / debian.NO_CLUSTER).exists()
    assert not (tmp_path / debian.NO_SERVICE).exists()


def test_a_policy_of_the_machine_is_left_as_it_is(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(debian.os, "geteuid", lambda: 0)
    policy = tmp_path / debian.NO_SERVICE
    policy.parent.mkdir(parents=True)
    policy.write_text("the machine's own")
    assert debian.main(["redis-server"]) == 0
    assert commands[-1][-1] == policy.read_text() == "the machine's own"


def test_what_is_there_is_left_alone(commands: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian.shutil, "which", lambda program: f"/usr/bin/{program}")
    assert debian.main(NEEDS) == 0
    assert commands == []


def test_what_lies_outside_the_path_or_is_named_is_left_alone(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PAWL_TEST_CHROMIUM", "/opt/chromium")
    monkeypatch.setenv("PAWL_TEST_REDIS_URL", "redis://elsewhere")
    binaries = tmp_path / "usr/lib/postgresql/15/bin"
    binaries.mkdir(parents=True)
    (binaries / "postgres").touch()
    assert debian.main(NEEDS) == 0
    assert commands == []


@pytest.mark.parametrize(("ci", "exit_code"), [("", 0), ("true", 1)])
@pytest.mark.parametrize("need", NEEDS)
def test_others_are_told_loudly_and_ci_fails(
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    need: str,
    ci: str,
    exit_code: int,
) -> None:
    monkeypatch.setattr(debian.os, "geteuid", lambda: 1000)
    monkeypatch.setenv("CI", ci)
    assert debian.main([need]) == exit_code
    assert commands == []
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    assert "SKIPPED" in out
    assert f"apt-get install {need}" in out
