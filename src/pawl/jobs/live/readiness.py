"""Whether a loop does its work: the ledger answers, the newest bar is as new as it can be, no cycle is late."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pawl.jobs.live.cycle import Cycle
from pawl.jobs.live.figures import LoopFigures
from pawl.jobs.live.world import LiveWorld
from pawl.market.calendars import ALWAYS, Calendar, open_times
from pawl.triggers.schedule import Every, latest

__all__ = ["Readiness", "readiness"]

WATCHED = ("positions", "collection", "signals")


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """checks: name → what is wrong, None where nothing is."""

    checks: Mapping[str, str | None]

    @property
    def is_ready(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.checks.values())


def readiness(
    world: LiveWorld, cycles: tuple[Cycle, ...], figures: LoopFigures, now: datetime, speed: float = 1.0
) -> Readiness:
    """From the figures of the ledger, which has answered then. now: of the loop's clock. speed: of it; being late is a
    matter of real time.
    """
    late = timedelta(seconds=world.settings.late_sec) * speed
    checks: dict[str, str | None] = {"ledger": None, "newest_bar": _stale(world, figures, now - late)}
    for one in cycles:
        if one.name not in WATCHED or not isinstance(one.schedule, Every):
            continue
        due = latest(one.schedule, now - late)
        ran_at = figures.ran_at.get(one.name)
        wrong = None
        if ran_at is None:
            wrong = "has not run yet"
        elif ran_at < due:
            wrong = f"due at {due:%Y-%m-%dT%H:%M:%SZ} and has not run since {ran_at:%Y-%m-%dT%H:%M:%SZ}"
        checks[one.name] = wrong
    return Readiness(checks=checks)


def _stale(world: LiveWorld, figures: LoopFigures, now: datetime) -> str | None:
    if figures.newest_close is None:
        return "no bar yet"
    timeframe = world.learner.spec.timeframe
    calendar = world.calendar or _calendar(world)
    # A bar that should have opened and closed since, with as much patience as signals have, is missing.
    until = now - world.settings.stale_bars * timeframe.length
    if figures.newest_close < until and len(open_times(calendar, timeframe, figures.newest_close, until)):
        return f"the newest bar closed at {figures.newest_close:%Y-%m-%dT%H:%M:%SZ}"
    return None


def _calendar(world: LiveWorld) -> Calendar:
    booked = world.workspace.silver.calendars(world.learner.spec.timeframe)
    own = [booked[ticker].calendar for ticker in world.tickers if ticker in booked]
    return own[0] if own else ALWAYS
