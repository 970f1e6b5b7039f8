"""Chooses the build of torch: on a machine without a GPU, the 0.2 GB that suffice and not the 2.8 GB that do not help.

On Linux the default package index holds torch built for NVIDIA's GPUs, and with it come the packages of NVIDIA. The
build for the CPU lies on an index of PyTorch's own, which `uv` knows by name and pip knows by TORCH_INDEX.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from pip_run import PipError, StoppedError, run_pip

__all__ = ["announces_gpu", "has_gpu", "install_torch"]

GPU_PACKAGE = re.compile(r"^\s*Collecting (?:nvidia|cuda|triton)\b")
TORCH_WHEEL = re.compile(r"^\s*Downloading torch-[\d.]+\S*\.whl \((?P<mb>[\d.]+) MB\)")
# Measured for torch 2.13.0: the wheel for the CPU has 192 MB, the one for GPUs 527 MB and 2.2 GB of packages behind it.
LARGEST_CPU_WHEEL_MB = 300.0
SECONDS_TO_STOP_US = 10.0

COMING = """\
      torch for NVIDIA GPUs would come: 2.8 GB to download, and this machine shows no such GPU.
      Trying the build for the CPU instead (0.2 GB)."""
GOING_ON = """\
      No build for the CPU could be had, so the one for GPUs is downloaded now: 2.8 GB. It works on a CPU all the same.
      The smaller way: make install TORCH_INDEX=<index of torch's CPU wheels, named on PyTorch's page "Get started">"""


def has_gpu() -> bool:
    """Whether the machine shows an NVIDIA GPU."""
    return shutil.which("nvidia-smi") is not None or Path("/dev/nvidia0").exists()


def announces_gpu(line: str) -> bool:
    """Whether a line of pip says that torch for GPUs is coming.

    >>> announces_gpu("Collecting nvidia-cublas==13.1.1.3 (from torch==2.13.0)")
    True
    >>> announces_gpu("  Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (526.6 MB)")
    True
    >>> announces_gpu("  Downloading torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl (191.8 MB)")
    False
    """
    if found := TORCH_WHEEL.match(line):
        return float(found["mb"]) > LARGEST_CPU_WHEEL_MB
    return GPU_PACKAGE.match(line) is not None


def install_torch(python: Path, requirement: str, *, constraints: Path, log: Path) -> None:
    """Install `requirement` (`torch==…`): from TORCH_INDEX where it is set, else the build that fits the machine."""
    plain = ["install", "-c", str(constraints), requirement]
    if index := os.environ.get("TORCH_INDEX"):
        # Only torch is taken from there: such an index holds other versions of the packages around it.
        run_pip(python, ["install", "--no-deps", "--index-url", index, requirement], log=log)
        return
    try:
        run_pip(python, plain, log=log, must_stop=None if has_gpu() else announces_gpu)
    except StoppedError:
        print(COMING, flush=True)
        if not _install_for_cpu(python, requirement, constraints=constraints, log=log):
            print(GOING_ON, flush=True)
            _leave_time_to_stop()
            run_pip(python, plain, log=log)


def _install_for_cpu(python: Path, requirement: str, *, constraints: Path, log: Path) -> bool:
    tool = python.parent.parent / "uv"
    try:
        run_pip(python, ["install", "--target", str(tool), "--upgrade", "-c", str(constraints), "uv"], log=log)
    except PipError:
        return False
    uv = [str(tool / "bin" / "uv"), "pip", "install", "--python", str(python)]
    with log.open("a", encoding="utf-8") as file:
        done = subprocess.run(
            [*uv, "--no-deps", "--torch-backend=cpu", requirement], stdout=file, stderr=subprocess.STDOUT, check=False
        )
    shutil.rmtree(tool)
    return done.returncode == 0


def _leave_time_to_stop() -> None:
    if sys.stdin.isatty():
        print(f"      Ctrl-C stops it; it begins in {SECONDS_TO_STOP_US:.0f} s.", flush=True)
        time.sleep(SECONDS_TO_STOP_US)
