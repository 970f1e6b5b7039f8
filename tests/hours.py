"""A learner of hourly bars that trains in full every day; `settings.toml` names this file."""

from dataclasses import replace
from datetime import timedelta

from pawl.learners.learner import LearnerSpec
from pawl.market.bars import Timeframe
from quarter_hours import QuarterHours

__all__ = ["Hours", "learner"]


class Hours(QuarterHours):
    """So that two days hold everything that a loop does, and few bars."""

    spec: LearnerSpec = replace(QuarterHours.spec, timeframe=Timeframe.parse("1h"), cadence=timedelta(days=1))


def learner() -> Hours:
    """For the settings."""
    return Hours()
