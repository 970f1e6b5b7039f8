"""What takes reading many rows to know of a loop: measured by its hourly look, and left where a scrape finds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from pawl.jobs.live.surroundings import TRAININGS
from pawl.ledger.measured_figures import keep_figures, kept_figures
from pawl.ledger.monitored_rows import SkippedTrainings, VersionResults, skipped_trainings, version_results
from pawl.triggers.firing import Reading
from pawl.triggers.history import Feed, History, before

__all__ = ["PERFORMANCE_DAYS", "Drift", "Measured", "keep_measured", "kept_measured", "measured"]

PERFORMANCE_DAYS = 30.0
"""Days of signals whose results are shown, and of trainings that were left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The feature that drifted most: its name and stability index; None where nothing could be judged (why says so)."""

    feature: str | None
    psi: float | None
    n_changes: int | None
    limit: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """At one instant. hold_share: of recent decisions, None where they are too few."""

    at: datetime
    drift: Drift
    versions: tuple[VersionResults, ...]
    feeds: tuple[Feed, ...]
    hold_share: float | None
    skipped: SkippedTrainings


def measured(tx: sa.Connection, learner: str, history: History, looks: Mapping[str, Reading], at: datetime) -> Measured:
    """From what the triggers look at, and what they saw in it."""
    since = before(at, PERFORMANCE_DAYS)
    holds = looks["hold_share"].values["hold_share"]
    return Measured(
        at=at,
        drift=_drift(looks["feature_drift"], history),
        versions=tuple(version_results(tx, learner, since, at)),
        feeds=history.feeds or (),
        hold_share=holds if holds == holds else None,  # NaN: too few decisions
        skipped=skipped_trainings(tx, learner, TRAININGS, since, at),
    )


def keep_measured(tx: sa.Connection, learner: str, found: Measured) -> None:
    """Leave it for whoever watches."""
    keep_figures(tx, learner, _FORM.dump_python(found, mode="json"), found.at)


def kept_measured(tx: sa.Connection, learner: str, until: datetime) -> Measured | None:
    """What was left last; None where nobody has looked by then, or another Pawl did, with other figures."""
    kept = kept_figures(tx, learner, until)
    try:
        return None if kept is None else _FORM.validate_python(kept)
    except ValidationError:
        return None


_FORM = TypeAdapter(Measured)


def _drift(look: Reading, history: History) -> Drift:
    values, rows = look.values, history.features
    is_judged = rows is not None and values["psi"] == values["psi"]
    return Drift(
        feature=rows.names[int(values["feature"])] if is_judged and rows is not None else None,
        psi=values["psi"] if is_judged else None,
        n_changes=int(values["n_changes"]) if is_judged else None,
        limit=values["limit"],
        why="" if is_judged else look.reason,
    )
