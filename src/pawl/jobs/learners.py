"""Finding a learner by name: the shipped ones, a user's file named in the settings, or an installed entry point."""

import importlib.util
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pawl.errors import NotFoundError, SettingsError
from pawl.learners.learner import Learner

__all__ = ["find_learner"]

GROUP = "pawl.learners"


def find_learner(name: str, shipped: Mapping[str, Learner[Any]], files: Mapping[str, Path]) -> Learner[Any]:
    """The learner of this name; NotFoundError lists the known ones.

    shipped: those that come with Pawl, as the settings configure them. files: name → Python file, from the settings;
    the file defines `learner()`, which gives the learner.
    """
    installed = {point.name: point for point in entry_points(group=GROUP)}
    if name in shipped:
        return shipped[name]
    if name in files:
        return _from_file(name, files[name])
    if name in installed:
        made: Learner[Any] = installed[name].load()()
        return made
    known = ", ".join(sorted({*shipped, *files, *installed}))
    raise NotFoundError(f"no learner `{name}`", where="LEARNER", fix=f"known learners: {known}")


def _from_file(name: str, path: Path) -> Learner[Any]:
    where = f"settings.toml, learners.{name}"
    if not path.is_file():
        raise SettingsError(f"`{path}` is not a file", where=where, fix="name the Python file that defines learner()")
    spec = importlib.util.spec_from_file_location(f"pawl_learner_{name}", path)
    if spec is None or spec.loader is None:
        raise SettingsError(f"`{path}` is not a Python file", where=where, fix="name a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    factory = getattr(module, "learner", None)
    if not callable(factory):
        raise SettingsError(f"`{path}` defines no function learner()", where=where, fix="see docs/own-learner.md")
    made: Learner[Any] = factory()
    return made
