"""The feature rows that drift is looked for in, and the detectors that have read them: kept, so a look is cheap."""

from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from pawl.jobs.live.watched_world import WatchedWorld
from pawl.ledger.watched_rows import count_feature_rows, feature_rows
from pawl.triggers.feature_drift import ChangeDetectors
from pawl.triggers.history import FeatureRows, before, instant
from pawl.triggers.trigger_config import TriggerSettings

__all__ = ["FeatureMemory"]

Floats = npt.NDArray[np.float64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FRESH_START = timedelta(days=30)
"""How often the detectors start anew. What they have found depends on the row they began with, so that row must follow
from the instant alone: a restarted process then finds what the one before it would have."""


class FeatureMemory:
    """The feature rows of a learner's tickers, one an hour (trailing features of neighbouring bars are nearly the same
    row), a column for each ticker and feature; null where one is missing.

    It holds nothing that does not follow from the ledger and the instant: without it a look is as right, and slower.
    """

    def __init__(self) -> None:
        self._state: _State | None = None

    def rows(
        self, tx: sa.Connection, world: WatchedWorld, settings: TriggerSettings, at: datetime
    ) -> FeatureRows | None:
        """The rows up to `at`, and the changes found in them; None where no features are stored."""
        anchor = before(at, settings.reference_days)
        anchor -= (anchor - EPOCH) % FRESH_START
        key = (world.name, world.tickers, str(world.learner.spec.timeframe), anchor, settings.adwin_delta)
        state = self._state
        if state is None or state.key != key or not state.still_holds(tx, world, at):
            state = self._state = _State(key, world, anchor, settings.adwin_delta)
        state.read_on(tx, world, at)
        return state.found()


class _State:
    def __init__(self, key: object, world: WatchedWorld, anchor: datetime, delta: float) -> None:
        spec = world.learner.spec
        self.key = key
        self.anchor = anchor
        self.names = tuple(f"{ticker} {name}" for ticker in world.tickers for name in spec.feature_set.names)
        self.step = max(HOUR, spec.timeframe.length)
        self.next = anchor + (EPOCH - anchor) % self.step
        self.n_seen = 0
        self.opened: list[datetime] = []
        self.parts: list[Floats] = []
        self.changes: list[npt.NDArray[np.datetime64]] = []
        self.detectors = ChangeDetectors(len(self.names), delta)

    def still_holds(self, tx: sa.Connection, world: WatchedWorld, at: datetime) -> bool:
        """Whether nothing has come in late, and nobody asks about an earlier instant."""
        closes_by = at - world.learner.spec.timeframe.length
        return self.next - self.step <= closes_by and self.n_seen == self._count(tx, world)

    def _count(self, tx: sa.Connection, world: WatchedWorld) -> int:
        timeframe = str(world.learner.spec.timeframe)
        return count_feature_rows(tx, world.tickers, timeframe, self.anchor, self.next - self.step)

    def read_on(self, tx: sa.Connection, world: WatchedWorld, at: datetime) -> None:
        """Read the hours that have passed since."""
        spec = world.learner.spec
        hours = []
        while self.next + spec.timeframe.length <= at:
            hours.append(self.next)
            self.next += self.step
        if not hours:
            return
        width = len(spec.feature_set.names)
        places = {ticker: n * width for n, ticker in enumerate(world.tickers)}
        read: dict[datetime, Floats] = {}
        for ticker, opened, features in feature_rows(tx, world.tickers, str(spec.timeframe), hours, at):
            row = read.setdefault(opened, np.full(len(self.names), np.nan))
            values = [features.get(name) for name in spec.feature_set.names]
            row[places[ticker] : places[ticker] + width] = [np.nan if one is None else one for one in values]
        self.n_seen = self._count(tx, world)
        if read:
            opened_at = sorted(read)
            values_at = np.stack([read[one] for one in opened_at])
            self.opened += opened_at
            self.parts = [np.concatenate([*self.parts, values_at])]
            self.changes.append(self.detectors.watch(self._closes(world, opened_at), values_at))
            self.closes = self._closes(world, self.opened)

    def _closes(self, world: WatchedWorld, opened: list[datetime]) -> npt.NDArray[np.datetime64]:
        length = world.learner.spec.timeframe.length
        return np.array([instant(one + length) for one in opened], dtype="datetime64[us]")

    def found(self) -> FeatureRows | None:
        """All that was read."""
        if not self.parts:
            return None
        return FeatureRows(
            at=self.closes, values=self.parts[0], changed_at=np.sort(np.concatenate(self.changes)), names=self.names
        )
