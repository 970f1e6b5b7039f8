"""pip as the installer runs it: what is shown, what is kept for a failure, and how it is stopped."""

from pathlib import Path

import pytest

from pip_run import Narrator, PipError, StoppedError, run_pip


def _fake_python(folder: Path, script: str) -> Path:
    """A `python` whose `-m pip` does what the script says."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\ncase "$*" in *--help*) echo "off, on, raw"; exit 0;; esac\n{script}\n')
    path.chmod(0o755)
    return path


def test_a_run_is_told_in_a_few_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = """
    echo "WARNING: Location '/nowhere' is ignored: it is neither a file nor a directory."
    echo "Collecting numpy>=2.4 (from x)"
    echo "  Downloading numpy-2.4.6-cp311.whl (17.1 MB)"
    echo "Collecting torch"
    echo "  Downloading torch-2.13.0-cp311.whl (191.8 MB)"
    echo "Progress 10 of 100"
    echo "Installing collected packages: numpy, torch"
    echo "$@" > "$(dirname "$0")/arguments"
    """
    log = tmp_path / "log"
    run_pip(_fake_python(tmp_path, script), ["install", "numpy"], log=log)
    lines = [line.split(" s  ")[1] for line in capsys.readouterr().out.splitlines()]
    assert lines == ["2 packages; downloading torch-2.13.0 (192 MB)", "installing 2 packages"]
    assert "Progress" not in log.read_text()
    assert "--progress-bar=raw" in (tmp_path / "arguments").read_text()


def test_a_failure_carries_the_end_of_the_log_without_the_noise(tmp_path: Path) -> None:
    script = """
    echo "WARNING: Location '/nowhere' is ignored: it is neither a file nor a directory."
    echo "ERROR: no such package" >&2
    exit 1
    """
    with pytest.raises(PipError, match=r"^ERROR: no such package\n$"):
        run_pip(_fake_python(tmp_path, script), ["install", "nothing"], log=tmp_path / "log")


def test_the_watcher_ends_pip_before_it_goes_on(tmp_path: Path) -> None:
    script = f'echo "Collecting nvidia-cublas"; sleep 30; touch "{tmp_path}/went-on"'
    with pytest.raises(StoppedError, match="nvidia"):
        run_pip(
            _fake_python(tmp_path, script),
            ["install", "torch"],
            log=tmp_path / "log",
            must_stop=lambda x: "nvidia" in x,
        )
    assert not (tmp_path / "went-on").exists()


def test_a_terminal_sees_how_far_a_download_is() -> None:
    narrator = Narrator(is_terminal=True)
    narrator.hear("  Downloading polars_runtime_32-2.1.0-cp311.whl (53.9 MB)")
    assert narrator.hear("Progress 27 of 54") == "downloading polars_runtime_32-2.1.0 (54 MB)  50%"
    assert narrator.hear("Progress 27 of 0") is None
    assert Narrator(is_terminal=False).hear("Progress 27 of 54") is None
