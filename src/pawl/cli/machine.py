"""What `pawl doctor` looks at: the machine, the installed packages and the workspace, read once."""

import os
import re
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pawl

__all__ = ["Machine", "Package", "look_at_machine"]

DISTRIBUTION = "pawl-trading"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package that Pawl needs: the version that is installed, and the one it is tested with; None is unknown."""

    name: str
    installed: str | None
    tested: str | None

    @property
    def is_tested(self) -> bool:
        """Whether it is the tested version; a build of it (`2.13.0+cpu`) counts as the same.

        >>> Package(name="torch", installed="2.13.0+cpu", tested="2.13.0").is_tested
        True
        """
        return self.tested is None or (self.installed or "").split("+")[0] == self.tested


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The facts, as found.

    memory_gb: free for programs now, None where the system does not say. disk_gb: free where the workspace lies.
    threads: OMP_NUM_THREADS, None when unset. has_gpu: an NVIDIA GPU. browser: path of a Chromium, None without one.
    is_writable: the workspace; has_kernel_cache: a folder for compiled kernels that can be written.
    """

    python: tuple[int, int, int]
    packages: tuple[Package, ...]
    n_cores: int
    memory_gb: float | None
    disk_gb: float
    home: Path
    is_writable: bool
    has_kernel_cache: bool
    threads: str | None
    has_gpu: bool
    browser: str | None


def look_at_machine(home: Path) -> Machine:
    """Look at everything, writing nothing that stays and importing nothing heavy."""
    standing = next(folder for folder in (home.resolve(), *home.resolve().parents) if folder.is_dir())
    return Machine(
        python=sys.version_info[:3],
        packages=_packages(),
        n_cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gb=_memory_gb(),
        disk_gb=shutil.disk_usage(standing).free / 1e9,
        home=home,
        is_writable=_is_writable(standing),
        has_kernel_cache=any(map(_is_writable, _kernel_caches())),
        threads=os.environ.get("OMP_NUM_THREADS"),
        has_gpu=shutil.which("nvidia-smi") is not None or Path("/dev/nvidia0").exists(),
        browser=next(filter(None, map(shutil.which, BROWSERS)), None),
    )


def _packages() -> tuple[Package, ...]:
    tested = _tested_versions()
    required = [line for line in metadata.requires(DISTRIBUTION) or () if "extra ==" not in line]
    names = [match[0] for line in required if (match := re.match(r"[\w.-]+", line))]
    return tuple(Package(name=name, installed=_version(name), tested=tested.get(_normal(name))) for name in names)


def _tested_versions() -> Mapping[str, str]:
    """constraints.txt of the clone that Pawl runs from; an installed wheel carries none."""
    path = Path(pawl.__file__).parents[2] / "constraints.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {_normal(name): version for name, version in pairs}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _memory_gb() -> float | None:
    meminfo = Path("/proc/meminfo")
    if meminfo.exists() and (found := re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text(encoding="ascii"))):
        return int(found[1]) * 1024 / 1e9
    return None


def _is_writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _kernel_caches() -> tuple[Path, ...]:
    """Where numba keeps compiled kernels: the folder it is told, else beside the code, else in the user's cache."""
    if told := os.environ.get("NUMBA_CACHE_DIR"):
        return (Path(told),)
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    beside = Path(pawl.__file__).parent
    return (beside, user if user.exists() else Path(sysconfig.get_path("data")))
