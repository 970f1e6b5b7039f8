"""Which code and which libraries a run used."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

import pawl

__all__ = ["code_version", "library_versions"]

_LIBRARIES = ("lightgbm", "numba", "numpy", "polars", "safetensors", "scikit-learn", "torch")
"""The libraries whose release can change a figure."""


@cache
def code_version() -> str:
    """The release, and the first 12 digits of the SHA-256 over the package's sources in path order."""
    root = Path(pawl.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{pawl.__version__}+{digest.hexdigest()[:12]}"


@cache
def library_versions() -> Mapping[str, str]:
    """Name → installed version of everything that a fit depends on."""
    return {name: metadata.version(name) for name in _LIBRARIES}
