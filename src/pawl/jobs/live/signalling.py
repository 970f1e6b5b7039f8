"""The signal cycle: every pair's newest closed bar is decided on once, by the version that is to act, and by those that
decide beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

import polars as pl
import sqlalchemy as sa

from pawl.errors import NotFoundError, StorageError
from pawl.ids import ModelVersion
from pawl.jobs.live.alarm import Alarm, raise_alarms
from pawl.jobs.live.answering import Answer, Asked, answers_of, inference_of, signal_of, trajectory_of
from pawl.jobs.live.cycle import Told
from pawl.jobs.live.deciders import DecidersOf
from pawl.jobs.live.journal import begun_at
from pawl.jobs.live.lived_latencies import LivedMs
from pawl.jobs.live.trailing import trailing_bars
from pawl.jobs.live.world import LiveWorld
from pawl.jobs.loaded_models import LoadedModels
from pawl.ledger.column_types import utc_text
from pawl.ledger.inferences import append_inferences, append_trajectories
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.loop_outbox import announce
from pawl.ledger.loop_payloads import NewPrediction
from pawl.ledger.market_data import NewestBar, bars_behind, newest_bars
from pawl.ledger.signals import NewSignal, last_signalled, record_signals
from pawl.market.bars import UTC_TIME

__all__ = ["PASSED_OVER", "SignalCycle"]

PASSED_OVER = "passed over"
"""Name of the lines of the live log that say which bars got no signal because newer ones were there: by pair, the open
times of the first and the last, and how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """The bars to be decided on. stale: pairs whose newest bar is too old. unserved: why nobody decides. done: pair →
    the bar that was decided on before.
    """

    asked: tuple[Asked, ...]
    stale: tuple[str, ...]
    unserved: str | None = None
    done: Mapping[str, datetime] = field(default_factory=dict)


def _no_time() -> float:
    """Where time is not measured, everything takes none of it."""
    return 0.0


@dataclass(slots=True)
class _Given:
    answers: list[Answer] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


class SignalCycle:
    """Decides. deciders_of: who decides on a bar, from the ledger's state at the time. stopwatch: seconds, by which the
    latency of each answer is measured; without one it is 0, so that a replay writes the same bytes again. lived_ms:
    what the answers took when they were lived, of a life that is played.

    It keeps the models of the versions that decide, and nothing else, from one run to the next.
    """

    def __init__(
        self,
        world: LiveWorld,
        deciders_of: DecidersOf,
        stopwatch: Callable[[], float] | None = None,
        lived_ms: LivedMs | None = None,
    ) -> None:
        self._world, self._deciders_of, self._stopwatch = world, deciders_of, stopwatch or _no_time
        self._lived_ms = lived_ms or {}
        self._models = LoadedModels(world.workspace, world.learner)

    def run(self, at: datetime) -> Told:
        """Decide on what closed by `at`; all of it is written in one transaction.

        A version that fails on its bars gives no signal on them, and an alarm: an older answer never stands in.
        """
        with self._world.ledger.reading() as tx:
            due = self._due(tx, at)
        given = self._ask(due.asked, at)
        with self._world.ledger.transaction() as tx:
            signals = self._write(tx, given, at)
            passed_over = self._passed_over(tx, due.done, signals, at)
            _log_passed_over(tx, self._world.name, passed_over, at)
            raise_alarms(tx, self._world.name, _alarms(due, given, at), at)
        n_open = sum(not one.asked.is_shadow for one in given.answers)
        counts = {
            "signals": sum(not one.is_shadow for one in signals),
            "shadow": sum(one.is_shadow for one in signals),
            "unanswered": sum(not one.is_shadow for one in due.asked) - n_open,
            "stale": len(due.stale),
            "passed_over": sum(map(len, passed_over.values())),
        }
        said = {word: sum(one.signal == word and not one.is_shadow for one in signals) for word in ("buy", "sell")}
        ids = [str(one.id) for one in signals if one.signal != "hold" and not one.is_shadow]
        warnings = {**given.failed, **({"": due.unserved} if due.unserved else {})}
        return {
            **{name: n for name, n in {**counts, **said}.items() if n},
            **({"ids": ids} if ids else {}),
            **({"warnings": warnings} if warnings else {}),
        }

    def _due(self, tx: sa.Connection, at: datetime) -> _Due:
        world, spec = self._world, self._world.learner.spec
        timeframe = str(spec.timeframe)
        done = last_signalled(tx, world.name, timeframe)
        newest = newest_bars(tx, timeframe, world.tickers, at)
        waiting = [one for one in newest if one.pair not in done or done[one.pair] < one.timestamp]
        oldest = at - world.settings.stale_bars * spec.timeframe.length
        stale = tuple(one.pair for one in waiting if one.closed_at < oldest)
        waiting = [one for one in waiting if one.closed_at >= oldest]
        if not waiting:
            return _Due(asked=(), stale=stale)
        try:
            deciders = self._deciders_of(tx, world.name)
        except NotFoundError as error:
            return _Due(asked=(), stale=stale, unserved=str(error))
        asked: list[Asked] = []
        for bar in waiting:
            decider = deciders.of(bar.pair, timeframe, bar.timestamp)
            versions = (decider.acting, *(one for one in decider.shadows if one != decider.acting))
            asked.extend(
                self._asked(bar, version, is_shadow=version != decider.acting, ab_test_id=decider.ab_test_id)
                for version in versions
            )
        return _Due(asked=tuple(asked), stale=stale, done=done)

    def _passed_over(
        self, tx: sa.Connection, done: Mapping[str, datetime], signals: Sequence[NewSignal], at: datetime
    ) -> dict[str, tuple[datetime, ...]]:
        """Pair → the bars that these signals have overtaken: between them and the signal before, or the beginning of
        the loop.
        """
        timeframe = self._world.learner.spec.timeframe
        decided = {one.pair: one.bar_timestamp for one in signals if not one.is_shadow}
        before = {pair: done[pair] for pair in decided if pair in done}
        if len(before) < len(decided):
            begun = begun_at(tx, self._world.name) or at
            before = dict.fromkeys(decided, begun - timeframe.length) | before
        behind = {pair: ts for pair, ts in before.items() if decided[pair] - ts > timeframe.length}
        found = {
            pair: tuple(bar.timestamp for bar in bars if bar.timestamp < decided[pair])
            for pair, bars in bars_behind(tx, str(timeframe), behind, at).items()
        }
        return {pair: opened for pair, opened in found.items() if opened}

    def _asked(self, bar: NewestBar, version: ModelVersion, *, is_shadow: bool, ab_test_id: UUID | None) -> Asked:
        spec = self._world.learner.spec
        return Asked(
            bar=bar,
            version=version,
            learner=spec.name,
            timeframe=str(spec.timeframe),
            feature_set=spec.feature_set.name,
            is_shadow=is_shadow,
            ab_test_id=None if is_shadow else ab_test_id,
        )

    def _ask(self, asked: Sequence[Asked], at: datetime) -> _Given:
        given = _Given()
        if not asked:
            return given
        pairs = [one for one in self._world.tickers if any(each.bar.pair == one for each in asked)]
        bars = trailing_bars(self._world, pairs, at, self._world.settings.history_bars)
        versions = list(dict.fromkeys(one.version for one in asked))
        self._models.keep_only(versions)
        for version in versions:
            own = [one for one in asked if one.version == version]
            ends = {one.bar.pair: one.bar.timestamp for one in own}
            last = pl.col("ticker").replace_strict(ends, default=None, return_dtype=UTC_TIME)
            shown = bars.filter(pl.col("ts") <= last)
            try:
                record = self._world.workspace.versions.get(version)
                model = self._models.of(record)
                began = self._stopwatch()
                answers = answers_of(self._world.learner, model, shown, own)
                # A version answers all its pairs at once, and each of them waits for the whole.
                took_ms = self._lived_ms.get((version, at), round(1000 * (self._stopwatch() - began)))
                given.answers.extend(replace(one, latency_ms=took_ms) for one in answers)
            except StorageError:
                raise
            except Exception as error:  # noqa: BLE001 - a worker's outer loop: whatever a model raises, the others decide
                given.failed[version] = f"{type(error).__name__}: {error}"
        return given

    def _write(self, tx: sa.Connection, given: _Given, at: datetime) -> list[NewSignal]:
        """Inferences, trajectories of what acts, signals, and the announcement of each that is new and acts."""
        # Acting first, so that its inference carries the very instant, and those beside it the microseconds after.
        answers = sorted(given.answers, key=lambda one: one.asked.is_shadow)
        append_inferences(tx, [inference_of(one, at) for one in answers])
        append_trajectories(tx, [trajectory_of(one, at) for one in answers if not one.asked.is_shadow])
        signals = record_signals(tx, [signal_of(one) for one in answers], at)
        for one in signals:
            if not one.is_shadow:
                announce(tx, _announced(one), at, one.trace_id)
        return signals


def _announced(signal: NewSignal) -> NewPrediction:
    return NewPrediction(
        signal_id=signal.id,
        learner=signal.learner,
        pair=signal.pair,
        timeframe=signal.timeframe,
        bar_timestamp=signal.bar_timestamp,
        signal=signal.signal,
        confidence=signal.confidence,
        model_version=signal.model_version,
        ab_test_id=signal.ab_test_id,
        inference_id=signal.inference_id,
    )


def _log_passed_over(tx: sa.Connection, learner: str, bars: Mapping[str, Sequence[datetime]], at: datetime) -> None:
    """Say which bars nobody decided on, in the transaction of the signals that came instead: after it nobody knows."""
    if bars:
        payload = {
            pair: {"from": utc_text(opened[0]), "to": utc_text(opened[-1]), "bars": len(opened)}
            for pair, opened in bars.items()
        }
        log_live(tx, [LiveEntry(learner=learner, at=at, kind="cycle", name=PASSED_OVER, payload=payload)])


def _alarms(due: _Due, given: _Given, at: datetime) -> list[Alarm]:
    found = [
        Alarm(
            kind="data_anomaly",
            key=f"prediction {version} {utc_text(at)}",
            told_as=f"prediction {version} {at:%Y-%m-%d}",
            text=f"{version} failed on its bars, which get no signal: {why}",
            values={"version": version},
        )
        for version, why in given.failed.items()
    ]
    if due.unserved:
        key, told_as = f"unserved {utc_text(at)}", f"unserved {at:%Y-%m-%d}"
        found.append(Alarm(kind="data_anomaly", key=key, text=due.unserved, told_as=told_as))
    return found
