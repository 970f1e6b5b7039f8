"""The figures of a running loop as Prometheus has them: a name, labels and a number each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pawl.jobs.live.measured import Measured
from pawl.jobs.live.monitoring import Standing

__all__ = ["GAUGES", "Gauge", "gauges"]


class Gauge(NamedTuple):
    """One figure of one moment."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class _Figure:
    name: str
    labels: tuple[tuple[str, str], ...]
    value: float | None


GAUGES: Mapping[str, str] = {
    "pawl_paused": "1 while incremental trainings and deployments wait",
    "pawl_waiting_firings": "firings that wait for a training",
    "pawl_lasting": "1 for each pause and alert that lasts",
    "pawl_train_val_gap": "validation loss less training loss of the newest training",
    "pawl_pending_outcomes": "positions without an outcome",
    "pawl_cycle_age_seconds": "time since the newest instant a cycle ran for",
    "pawl_cycle_late_seconds": "how late the last run of a cycle began",
    "pawl_measured_timestamp_seconds": "when the loop measured what follows, seconds since 1970 of its clock",
    "pawl_feature_drift_psi": "population stability index of the feature that drifted most, less its noise",
    "pawl_win_rate": "wins of wins and losses in 30 days",
    "pawl_pnl_bps": "net results of the positions of 30 days, bps of notional",
    "pawl_resolved_signals": "positions of 30 days with an outcome",
    "pawl_missing_bar_share": "share of the last day's bars that are missing",
    "pawl_owed_bars": "newest bars in a row that did not come",
    "pawl_dirty_rows": "rows of the last day that may not be used",
    "pawl_hold_share": "share of hold among recent decisions",
    "pawl_samples_skipped_trainings": "trainings of 30 days that were left out for want of samples, or paused",
}
"""Every gauge by name, with its meaning; each carries the label `learner`."""


def gauges(standing: Standing, known: Measured | None, late_sec: Mapping[str, float] | None = None) -> list[Gauge]:
    """The figures that could be measured; what could not, or was not yet, is absent, and never 0.

    late_sec: by cycle, of this process.
    """
    found = [*_of_standing(standing, late_sec or {}), *(() if known is None else _of_measured(known))]
    return [
        Gauge(one.name, {"learner": standing.learner, **dict(one.labels)}, float(one.value))
        for one in found
        if one.value is not None
    ]


def _of_standing(found: Standing, late_sec: Mapping[str, float]) -> Iterator[_Figure]:
    yield _Figure("pawl_paused", (), found.is_paused)
    yield _Figure("pawl_waiting_firings", (), found.n_waiting)
    for lasting in found.lasting:
        yield _Figure("pawl_lasting", (("kind", lasting.kind),), 1.0)
    for job in found.trainings:
        yield _Figure("pawl_train_val_gap", (("training_type", job.training_type), ("version", job.version)), job.gap)
    yield _Figure("pawl_pending_outcomes", (), found.pending.n)
    for cycle, at in found.ran_at.items():
        yield _Figure("pawl_cycle_age_seconds", (("cycle", cycle),), (found.at - at).total_seconds())
    for cycle, late in late_sec.items():
        yield _Figure("pawl_cycle_late_seconds", (("cycle", cycle),), late)


def _of_measured(found: Measured) -> Iterator[_Figure]:
    yield _Figure("pawl_measured_timestamp_seconds", (), found.at.timestamp())
    yield _Figure("pawl_feature_drift_psi", (("feature", found.drift.feature or ""),), found.drift.psi)
    for version in found.versions:
        labels = (("version", version.version), ("shadow", str(version.is_shadow).lower()))
        yield _Figure("pawl_win_rate", labels, version.win_rate)
        yield _Figure("pawl_pnl_bps", labels, version.pnl_bps)
        yield _Figure("pawl_resolved_signals", labels, version.n_resolved)
    for feed in found.feeds:
        ticker = (("ticker", feed.ticker),)
        yield _Figure("pawl_missing_bar_share", ticker, feed.missing_share if feed.n_expected else None)
        yield _Figure("pawl_owed_bars", ticker, feed.n_owed)
        yield _Figure("pawl_dirty_rows", ticker, feed.n_refused)
    yield _Figure("pawl_hold_share", (), found.hold_share)
    yield _Figure("pawl_samples_skipped_trainings", (), found.skipped.n)
