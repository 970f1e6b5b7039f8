"""Runs pip and tells its progress in one line; pip's own words go to a log that is shown only when it fails."""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

__all__ = ["Narrator", "PipError", "StoppedError", "run_pip"]

DOWNLOAD = re.compile(r"^\s*Downloading (?P<file>\S+) \((?P<size>[\d.]+) (?P<unit>[kMG]?B)\)")
PROGRESS = re.compile(r"^Progress (?P<done>\d+) of (?P<total>\d+)")
TAKEN = re.compile(r"^\s*(?:Collecting|Processing) (?P<what>[^\s;,]+)")
INSTALLING = "Installing collected packages: "
MB = {"B": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}
WORTH_A_LINE_MB = 20.0
LOG_TAIL = 30


class PipError(Exception):
    """pip ended with an error; the message is the end of its log."""


class StoppedError(Exception):
    """The watcher said stop; pip was ended before it went on."""


@dataclass(slots=True)
class Narrator:
    """Turns pip's lines into short ones: how many packages are chosen, what is downloading, what is installing.

    >>> narrator = Narrator(is_terminal=False)
    >>> narrator.hear("Collecting numpy>=2.4")
    >>> narrator.hear("  Downloading torch-2.13.0-cp311-cp311-linux.whl (191.8 MB)")
    '2 packages; downloading torch-2.13.0 (192 MB)'
    >>> narrator.hear("Installing collected packages: numpy, torch")
    'installing 2 packages'
    """

    is_terminal: bool
    _chosen: set[str] = field(default_factory=set)
    _file: str = ""

    def hear(self, line: str) -> str | None:
        """What to show for one line of pip; None where there is nothing worth showing."""
        if line.startswith(INSTALLING):
            return f"installing {_packages(line.count(',') + 1)}"
        if found := DOWNLOAD.match(line):
            return self._download(found["file"], float(found["size"]) * MB[found["unit"]])
        if found := PROGRESS.match(line):
            return self._percent(int(found["done"]), int(found["total"]))
        if found := TAKEN.match(line):
            self._chosen.add(re.split(r"[<>=!~\[(]", found["what"])[0].rsplit("/", 1)[-1].lower())
            return _packages(len(self._chosen)) if self.is_terminal else None
        return None

    def _download(self, file: str, size_mb: float) -> str | None:
        self._chosen.add(file.split("-")[0].lower())
        self._file = f"{unquote('-'.join(file.split('-')[:2]))} ({size_mb:.0f} MB)"
        if self.is_terminal or size_mb >= WORTH_A_LINE_MB:
            return f"{_packages(len(self._chosen))}; downloading {self._file}"
        return None

    def _percent(self, done: int, total: int) -> str | None:
        return f"downloading {self._file} {done / total:4.0%}" if self.is_terminal and total else None


def _packages(n: int) -> str:
    return "1 package" if n == 1 else f"{n} packages"


def run_pip(python: Path, arguments: list[str], *, log: Path, must_stop: Callable[[str], bool] | None = None) -> None:
    """Run `python -m pip ARGUMENTS`.

    must_stop: looks at each line; True ends pip there and raises StoppedError.
    Raises PipError with the end of the log where pip failed.
    """
    # pip draws its bar only on a terminal of its own; `raw` prints numbers that we can draw.
    command = [str(python), "-m", "pip", *arguments, "--disable-pip-version-check"]
    if arguments[0] == "install":
        command.append("--progress-bar=raw" if _knows_raw(python) else "--progress-bar=off")
    narrator, start = Narrator(sys.stdout.isatty()), time.monotonic()
    lines: list[str] = []
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as pip,
        log.open("a", encoding="utf-8") as file,
    ):
        assert pip.stdout is not None
        for line in pip.stdout:
            if not PROGRESS.match(line):
                file.write(line)
                lines.append(line)
            if must_stop and must_stop(line):
                pip.kill()
                _clear(narrator)
                raise StoppedError(line.strip())
            if text := narrator.hear(line):
                _show(narrator, f"{time.monotonic() - start:4.0f} s  {text}")
    _clear(narrator)
    if pip.returncode:
        raise PipError("".join([line for line in lines if "is ignored: it is neither" not in line][-LOG_TAIL:]))


def _knows_raw(python: Path) -> bool:
    shown = subprocess.run([str(python), "-m", "pip", "install", "--help"], capture_output=True, text=True, check=False)
    return "raw" in shown.stdout


def _show(narrator: Narrator, text: str) -> None:
    sys.stdout.write(f"\r\033[K      {text}" if narrator.is_terminal else f"      {text}\n")
    sys.stdout.flush()


def _clear(narrator: Narrator) -> None:
    if narrator.is_terminal:
        sys.stdout.write("\r\033[K")
        sys.stdout.flush()
