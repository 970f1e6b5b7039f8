"""A model that answers "hold" to nearly everything."""

import math
from datetime import datetime

from pawl.triggers.firing import Reading
from pawl.triggers.history import History, before, rows_in
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["hold_share"]


def hold_share(history: History, settings: TriggerSettings, now: datetime) -> Reading:
    """Fires where more than the limit of the recent decisions are "hold".

    >>> from datetime import UTC
    >>> hold_share(History(), TriggerSettings(), datetime(2026, 1, 1, tzinfo=UTC)).reason
    'no decisions'
    """
    decisions = history.decisions
    nothing = {"hold_share": math.nan, "limit": settings.hold_share}
    if decisions is None:
        return Reading(values=nothing, is_crossed=False, reason="no decisions")
    recent = decisions.is_hold[rows_in(decisions, before(now, settings.hold_days), now)]
    if recent.size < settings.min_outcomes:
        reason = f"{recent.size} recent decisions of at least {settings.min_outcomes}"
        return Reading(values=nothing, is_crossed=False, reason=reason)
    share = float(recent.mean())
    is_crossed = share > settings.hold_share
    reason = f"{share:.1%} of {recent.size} decisions are hold" if is_crossed else ""
    return Reading(values={"hold_share": share, "limit": settings.hold_share}, is_crossed=is_crossed, reason=reason)
