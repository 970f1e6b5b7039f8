"""A disk that takes its time, for one program: its flushes beside the main thread wait before they begin."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["slow_disk"]

NO_COMPILER = "NO C COMPILER: what a slow disk does was not tested. apt-get install gcc"
SOURCE = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

int fdatasync(int file) {
    if (syscall(SYS_gettid) != getpid())
        usleep(1500000);
    return (int)syscall(SYS_fdatasync, file);
}
"""


def slow_disk(folder: Path) -> Path:
    """The library to load before the program; where there is no compiler its tests are skipped, but never in CI."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None and os.environ.get("CI"):
        pytest.fail(NO_COMPILER)
    if compiler is None:
        pytest.skip(NO_COMPILER)
    source, library = folder / "slow_disk.c", folder / "slow_disk.so"
    source.write_text(SOURCE)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    return library
