"""`make install`: one virtual environment with the tested packages, and nothing to do where it stands already."""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

from pip_run import PipError, run_pip
from torch_build import install_torch

__all__ = ["main"]

ROOT = Path(__file__).resolve().parent.parent
STAMP = "pawl-installed.json"
NO_VENV = "This Python cannot make a virtual environment (no ensurepip). Install {package}, then run make again."


class InstallError(Exception):
    """A machine that lacks something; the message says what to install."""


def main() -> int:
    """Make the environment what pyproject.toml and constraints.txt say, and print how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    parser.add_argument("--extras", default="", help="comma-separated, names from pyproject.toml")
    options = parser.parse_args()
    extras = set(filter(None, re.split(r"[,\s]+", options.extras)))
    start = time.monotonic()
    try:
        if _install(options.venv, extras):
            print(f"installed in {time.monotonic() - start:.0f} s")
    except InstallError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except PipError as error:
        print(f"error: pip failed; the whole log: {options.venv / 'install.log'}\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; run make again: pip keeps what it has downloaded", file=sys.stderr)
        return 130
    return 0


def _install(venv: Path, extras: set[str]) -> bool:
    """Install what is missing; False where nothing was."""
    stamp, python = venv / STAMP, venv / "bin" / "python"
    seen = json.loads(stamp.read_text()) if stamp.exists() else {"key": "", "extras": []}
    key = _key(venv)
    if seen["key"] == key and extras <= set(seen["extras"]):
        return False
    extras |= set(seen["extras"])
    stamp.unlink(missing_ok=True)
    if not _runs(python):
        print(f"[1/4] environment: {venv.name}, Python {sys.version.split()[0]}", flush=True)
        _make_venv(venv)
    else:
        print(f"[1/4] environment: {venv.name} stands", flush=True)
    log, constraints = venv / "install.log", ROOT / "constraints.txt"
    log.unlink(missing_ok=True)
    run_pip(python, ["install", "-c", str(constraints), "--upgrade", "pip"], log=log)
    requirement = next(each for each in _project()["dependencies"] if each.startswith("torch"))
    print(f"[2/4] {requirement.replace('==', ' ')}", flush=True)
    install_torch(python, requirement, constraints=constraints, log=log)
    what = f"{ROOT}[{','.join(sorted(extras))}]" if extras else str(ROOT)
    print(f"[3/4] pawl{''.join(f' + {extra}' for extra in sorted(extras))} and its packages", flush=True)
    run_pip(python, ["install", "-c", str(constraints), "--editable", what], log=log)
    print("[4/4] pip check", flush=True)
    run_pip(python, ["check"], log=log)
    stamp.write_text(json.dumps({"key": key, "extras": sorted(extras)}))
    return True


def _key(venv: Path) -> str:
    """Changes whenever the packages may have to: with the project's table, the constraints, Python and the place."""
    parts = [_project(), (ROOT / "constraints.txt").read_text(encoding="utf-8"), str(venv.resolve()), sys.version]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def _runs(python: Path) -> bool:
    if not python.exists():
        return False
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    shown = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False)
    return shown.stdout.strip() == f"{sys.version_info.major}.{sys.version_info.minor}"


def _make_venv(venv: Path) -> None:
    if not _has_ensurepip():
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        if not (os.geteuid() == 0 and shutil.which("apt-get")):
            raise InstallError(NO_VENV.format(package=f"it: apt-get install {package}"))
        from debian import install_packages

        install_packages([package])
    subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)


def _has_ensurepip() -> bool:
    # Debian ships an ensurepip that imports and then finds no wheels; `venv` itself needs both.
    ask = "import ensurepip, venv; ensurepip.version()"
    return subprocess.run([sys.executable, "-c", ask], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
