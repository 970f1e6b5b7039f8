"""Debian packages that only the tests need: installed where we may, named loudly where we may not."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

__all__ = ["install_packages", "main"]

# What a test needs: the programs any one of which will do, and the package that brings one.
NEEDS = {"chromium": (("chromium", "chromium-browser", "google-chrome"), "chromium")}


def main(names: Sequence[str]) -> int:
    """Install the packages of the named needs that are not there; 1 where CI would have to skip tests for it."""
    missing = [name for name in names if not any(shutil.which(program) for program in NEEDS[name][0])]
    packages = [NEEDS[name][1] for name in missing]
    if not packages:
        return 0
    if not may_install():
        print(f"*** no {', '.join(missing)}: the tests that need it are SKIPPED. apt-get install {' '.join(packages)}")
        return 1 if os.environ.get("CI") else 0
    install_packages(packages)
    return 0


def may_install() -> bool:
    """Whether we are root on a Debian."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_packages(packages: Sequence[str]) -> None:
    """Install Debian packages, without what they merely recommend. Raises CalledProcessError where apt-get fails."""
    print(f"      apt-get install {' '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", "-qq", *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(done.stdout + done.stderr, file=sys.stderr)
            done.check_returncode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
