"""Which learners there are, with the settings they run under."""

from typing import Any

from pawl.jobs.learners import find_learner
from pawl.learners.learner import Learner
from pawl.learners.m002 import M002
from pawl.settings import Settings

__all__ = ["learner_named"]


def learner_named(name: str, settings: Settings) -> Learner[Any]:
    """A shipped learner as configured, or a user's own; NotFoundError lists the known ones."""
    shipped: dict[str, Learner[Any]] = {"m002": M002(settings.m002)}
    return find_learner(name, shipped, settings.learners)
