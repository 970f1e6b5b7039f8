"""Which build of torch a machine gets, and that it is told before anything large comes."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

import torch_build
from pip_run import StoppedError

TORCH = "torch==2.13.0"


@dataclass
class FakePip:
    """Stands for pip on a machine whose index holds torch for GPUs."""

    calls: list[list[str]] = field(default_factory=list)

    def run(self, python: Path, arguments: list[str], *, log: Path, must_stop: object = None) -> None:
        self.calls.append(arguments)
        for line in ("Collecting torch==2.13.0", "Collecting nvidia-cublas==13.1 (from torch)"):
            if TORCH in arguments and callable(must_stop) and must_stop(line):
                raise StoppedError(line)


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> FakePip:
    fake = FakePip()
    monkeypatch.setattr(torch_build, "run_pip", fake.run)
    monkeypatch.setattr(torch_build, "has_gpu", lambda: False)
    monkeypatch.delenv("TORCH_INDEX", raising=False)
    return fake


def _install(folder: Path, *, uv_exit: int | None = None) -> None:
    """Install torch; uv_exit: what uv, which knows the index of CPU builds, would answer."""
    if uv_exit is not None:
        tool = folder / "uv" / "bin" / "uv"
        tool.parent.mkdir(parents=True)
        tool.write_text(f'#!/bin/sh\necho "uv $@"\nexit {uv_exit}\n')
        tool.chmod(0o755)
    python = folder / "bin" / "python"
    torch_build.install_torch(python, TORCH, constraints=folder / "constraints.txt", log=folder / "log")


def test_without_a_gpu_the_build_for_the_cpu_is_taken_and_told(
    pip: FakePip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _install(tmp_path, uv_exit=0)
    out = capsys.readouterr().out
    assert "2.8 GB" in out
    assert "0.2 GB" in out
    assert f"--torch-backend=cpu {TORCH}" in (tmp_path / "log").read_text()
    assert [call for call in pip.calls if TORCH in call] == [
        ["install", "-c", str(tmp_path / "constraints.txt"), TORCH]
    ]
    assert not (tmp_path / "uv").exists()


def test_where_no_build_for_the_cpu_can_be_had_the_other_comes_after_a_word(
    pip: FakePip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _install(tmp_path, uv_exit=2)
    assert "TORCH_INDEX" in capsys.readouterr().out
    assert len([call for call in pip.calls if TORCH in call]) == 2


def test_a_machine_with_a_gpu_gets_what_the_index_holds(
    pip: FakePip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch_build, "has_gpu", lambda: True)
    _install(tmp_path)
    assert len(pip.calls) == 1
    assert capsys.readouterr().out == ""


def test_an_index_that_was_named_is_used_for_torch_alone(
    pip: FakePip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_INDEX", "file:///wheels")
    _install(tmp_path)
    assert pip.calls == [["install", "--no-deps", "--index-url", "file:///wheels", TORCH]]
