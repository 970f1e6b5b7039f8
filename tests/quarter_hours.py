"""A learner of 15-minute bars that is fitted in no time; `settings.toml` names this file."""

from dataclasses import replace

from pawl.learners.learner import LearnerSpec
from pawl.market.bars import Timeframe
from tiny_learner import Tiny

__all__ = ["QuarterHours", "learner"]


class QuarterHours(Tiny):
    """The learner of the documentation, on 15-minute bars."""

    spec: LearnerSpec = replace(Tiny.spec, timeframe=Timeframe.parse("15m"), min_bars=300)


def learner() -> QuarterHours:
    """For the settings."""
    return QuarterHours()
