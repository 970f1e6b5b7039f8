"""Which code and libraries a run used."""

from importlib import metadata

import pawl
from pawl.jobs.code_version import code_version, library_versions


def test_the_code_is_named_by_release_and_sources() -> None:
    release, sources = code_version().split("+")
    assert release == pawl.__version__
    assert len(sources) == 12


def test_the_libraries_are_those_installed() -> None:
    versions = library_versions()
    assert versions["polars"] == metadata.version("polars")
    assert {"torch", "lightgbm", "numpy"} <= {*versions}
