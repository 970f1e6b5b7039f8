"""The installer: nothing to do where everything stands, something where anything changed."""

import json
import sys
from pathlib import Path

import pytest

import install

PROJECT = '[project]\nname = "x"\ndependencies = ["torch==2.13.0"]\n[tool.ruff]\nline-length = 120\n'


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with an environment, where the steps are only noted (in `steps`)."""
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "constraints.txt").write_text("torch==2.13.0\n")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    steps = tmp_path / "steps"

    def note(_: Path, what: object, **__: object) -> None:
        with steps.open("a") as file:
            file.write(f"{what}\n")

    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "run_pip", note)
    monkeypatch.setattr(install, "install_torch", note)
    return tmp_path


def _install(clone: Path, monkeypatch: pytest.MonkeyPatch, extras: str = "") -> str:
    """Run the installer; what it did, empty for nothing."""
    (clone / "steps").unlink(missing_ok=True)
    monkeypatch.setattr(sys, "argv", ["install.py", "--venv", str(clone / ".venv"), "--extras", extras])
    assert install.main() == 0
    return (clone / "steps").read_text() if (clone / "steps").exists() else ""


def test_a_second_run_does_nothing_and_says_nothing(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "torch==2.13.0" in _install(clone, monkeypatch)
    assert "installed in" in capsys.readouterr().out
    assert _install(clone, monkeypatch) == ""
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("file", ["pyproject.toml", "constraints.txt"])
def test_a_changed_dependency_installs_again(clone: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    _install(clone, monkeypatch)
    path = clone / file
    path.write_text(path.read_text().replace("2.13.0", "2.13.1"))
    assert _install(clone, monkeypatch) != ""


def test_what_no_package_depends_on_changes_nothing(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(clone, monkeypatch)
    (clone / "pyproject.toml").write_text(PROJECT.replace("120", "100"))
    assert _install(clone, monkeypatch) == ""


def test_extras_add_up_and_the_smaller_wish_is_met_by_the_larger(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "[test]" in _install(clone, monkeypatch, "test")
    assert _install(clone, monkeypatch) == ""
    assert "[exchanges,test]" in _install(clone, monkeypatch, "exchanges")
    assert json.loads((clone / ".venv" / install.STAMP).read_text())["extras"] == ["exchanges", "test"]


def test_a_run_that_was_cut_off_is_done_again(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install(clone, monkeypatch)
    path = clone / "constraints.txt"
    path.write_text("torch==2.13.1\n")

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(install, "install_torch", stop)
        cut.setattr(sys, "argv", ["install.py", "--venv", str(clone / ".venv")])
        assert install.main() == 130
    path.write_text("torch==2.13.0\n")
    assert _install(clone, monkeypatch) != ""


def test_without_ensurepip_others_than_root_are_told_what_to_install(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (clone / ".venv" / "bin" / "python").unlink()
    monkeypatch.setattr(install, "_has_ensurepip", lambda: False)
    monkeypatch.setattr(install.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", ["install.py", "--venv", str(clone / ".venv")])
    assert install.main() == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert f"apt-get install python3.{sys.version_info.minor}-venv" in error
