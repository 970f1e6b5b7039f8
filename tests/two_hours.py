"""Another learner beside that of `hours.py`; `settings.toml` names this file."""

from dataclasses import replace

from hours import Hours
from pawl.learners.learner import LearnerSpec
from pawl.market.bars import Timeframe

__all__ = ["TwoHours", "learner"]


class TwoHours(Hours):
    """On bars of two hours."""

    spec: LearnerSpec = replace(Hours.spec, name="mini", timeframe=Timeframe.parse("2h"))


def learner() -> TwoHours:
    """For the settings."""
    return TwoHours()
