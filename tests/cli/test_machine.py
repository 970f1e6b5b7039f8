"""The machine as the doctor finds it."""

import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from pawl.cli.machine import Package, look_at_machine

ROOT = Path(__file__).resolve().parents[2]


def test_every_core_package_is_found_in_its_tested_version(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    packages = {package.name: package for package in look_at_machine(tmp_path).packages}
    assert len(packages) == len(project["dependencies"])
    assert packages["polars"].installed == metadata.version("polars")
    assert [package for package in packages.values() if package.tested is None] == []


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_it_would_lie_in(tmp_path: Path) -> None:
    machine = look_at_machine(tmp_path / "not" / "there")
    assert machine.is_writable
    assert machine.disk_gb > 0
    assert not (tmp_path / "not").exists()


def test_a_kernel_cache_that_was_named_is_the_one_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/proc/kernels")
    assert not look_at_machine(tmp_path).has_kernel_cache
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert look_at_machine(tmp_path).has_kernel_cache


@pytest.mark.parametrize(("installed", "is_tested"), [("2.1.0", True), ("2.1.0+cpu", True), ("2.1.1", False)])
def test_a_build_of_the_tested_version_is_the_tested_version(installed: str, is_tested: bool) -> None:
    assert Package(name="x", installed=installed, tested="2.1.0").is_tested is is_tested
