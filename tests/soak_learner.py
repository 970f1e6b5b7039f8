"""The small learner of a soak: it trains twice a day, so that a few days hold trainings, verdicts and rollouts."""

from dataclasses import replace
from datetime import timedelta

from pawl.learners.learner import LearnerSpec
from quarter_hours import QuarterHours

__all__ = ["TwiceADay", "learner"]


class TwiceADay(QuarterHours):
    """On 15-minute bars."""

    spec: LearnerSpec = replace(QuarterHours.spec, cadence=timedelta(hours=12))


def learner() -> TwiceADay:
    """For the settings."""
    return TwiceADay()
