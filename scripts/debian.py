"""Debian packages that only the tests need: installed where we may, named loudly where we may not."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["install_packages", "main"]

ROOT = Path("/")


@dataclass(frozen=True)
class Need:
    """What a test needs: the programs any one of which will do, and the package that brings one.

    folders: where Debian keeps them beside the PATH, as a pattern. instead: the variable that names one elsewhere.
    """

    programs: tuple[str, ...]
    package: str
    instead: str
    folders: str = ""

    def is_met(self) -> bool:
        """Whether it is there already."""
        places = [f"{self.folders}/{program}" for program in self.programs if self.folders]
        return (
            bool(os.environ.get(self.instead))
            or any(shutil.which(program) for program in self.programs)
            or any(found for place in places for found in ROOT.glob(place))
        )


NEEDS = {
    "chromium": Need(("chromium", "chromium-browser", "google-chrome"), "chromium", "PAWL_TEST_CHROMIUM"),
    "postgresql": Need(("postgres",), "postgresql", "PAWL_TEST_POSTGRES_URL", "usr/lib/postgresql/*/bin"),
    "redis-server": Need(("redis-server",), "redis-server", "PAWL_TEST_REDIS_URL"),
}
# Debian would start servers of its own on the usual ports; the tests start theirs, and stop them.
NO_CLUSTER = Path("etc/postgresql-common/createcluster.d/pawl-tests.conf")
NO_SERVICE = Path("usr/sbin/policy-rc.d")  # what Debian asks whether a package may start its service


def main(names: Sequence[str]) -> int:
    """Install the packages of the named needs that are not there; 1 where CI would have to skip tests for it."""
    missing = [name for name in names if not NEEDS[name].is_met()]
    packages = [NEEDS[name].package for name in missing]
    if not packages:
        return 0
    if not may_install():
        print(f"*** no {', '.join(missing)}: the tests that need it are SKIPPED. apt-get install {' '.join(packages)}")
        return 1 if os.environ.get("CI") else 0
    with nothing_started():
        install_packages(packages)
    return 0


@contextmanager
def nothing_started() -> Iterator[None]:
    """No server is made or started by the packages that are installed meanwhile. A policy that stands is left alone."""
    cluster, policy = ROOT / NO_CLUSTER, ROOT / NO_SERVICE
    ours = [cluster] if policy.exists() else [cluster, policy]
    for marker in ours:
        marker.parent.mkdir(parents=True, exist_ok=True)
    cluster.write_text("create_main_cluster = false\n", encoding="utf-8")
    if policy in ours:
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        policy.chmod(0o755)
    try:
        yield
    finally:
        for marker in ours:
            marker.unlink(missing_ok=True)


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
