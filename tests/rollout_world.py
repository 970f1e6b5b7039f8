"""A learner on its way: two versions, and a market on paper in which each earns what it is told to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import sqlalchemy as sa

from ledger_world import judged, promoted, trained
from pawl.gates.rollout_plan import RolloutSettings
from pawl.ids import ModelVersion
from pawl.jobs.live.rollout_rules import RolloutRules, RolloutWorld
from pawl.jobs.live.rollouts import begin_rollout, tick_rollouts
from pawl.jobs.live.routing_now import deciders
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.inferences import Inference, append_inferences
from pawl.ledger.model_versions import champion, get_version
from pawl.ledger.rollout_tables import rollouts
from pawl.ledger.rollouts import StoredRollout, list_rollouts
from pawl.ledger.signals import NewSignal, SignalOutcome, record_signals, resolve_signal

__all__ = ["BAR", "BEGAN", "NEW", "OLD", "THIRD", "Earns", "Life", "Said", "better", "harmful", "standing", "steady",
           "worse"]  # fmt: skip

OLD, NEW, THIRD = (ModelVersion(f"m002-1.{minor}") for minor in (3, 4, 5))
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
BAR = timedelta(hours=1)
HELD = timedelta(minutes=30)
PAIRS = ("EURUSD", "USDJPY")


@dataclass(frozen=True)
class Said:
    """What a version says of a bar, and what comes of it. pnl: None stays unresolved. size: of the capital."""

    signal: str = "buy"
    pnl: float | None = 0.001
    confidence: float = 0.6
    probability: float | None = None
    latency_ms: int = 5
    size: float = 1.0


Earns = Callable[[ModelVersion, int], Said | None]
"""(version, number of the decision) → what it says; None where its prediction fails."""


def steady(version: ModelVersion, number: int) -> Said:
    """Everybody wins six in ten, by as much as they lose, and knows it."""
    return Said(pnl=0.001 if number % 10 < 6 else -0.001)


_SHARED = np.random.default_rng(1).normal(0.0, 0.0010, 20_000)
_OWN = np.random.default_rng(2).normal(0.0, 0.0003, (2, 20_000))


def better(version: ModelVersion, number: int) -> Said:
    """The candidate earns 5 bps more a decision, on a market that both share, and knows better how often it wins."""
    is_new = version != OLD
    pnl = _SHARED[number] + _OWN[int(is_new), number] + (0.0005 if is_new else 0.0)
    return Said(pnl=float(pnl), confidence=0.68)


def worse(version: ModelVersion, number: int) -> Said:
    """The candidate earns 1 bp less a decision; nothing that a guard-rail would stop."""
    is_new = version != OLD
    pnl = (_SHARED[number] + _OWN[int(is_new), number]) / 5 + (0.0 if is_new else 0.0001)
    return Said(pnl=float(pnl), confidence=0.5)


def harmful(version: ModelVersion, number: int) -> Said:
    """The candidate loses 1 % a decision."""
    return steady(version, number) if version == OLD else Said(pnl=-0.01)


@dataclass
class Life:
    """Time that is walked through in hours: every hour both pairs are decided on, and resolved half an hour later.

    ledger: in which OLD serves and NEW has passed the offline gate. plan: of the learner.
    """

    ledger: Ledger
    plan: str = "default"
    rules: dict[str, Any] = field(default_factory=dict)
    learner: str = "m002"
    horizon: timedelta = timedelta(hours=6)
    at: datetime = BEGAN
    number: int = 0

    def __post_init__(self) -> None:
        with self.ledger.transaction() as tx:
            promoted(tx, OLD, on=1)
            self.judged(tx, NEW)

    def judged(self, tx: sa.Connection, version: ModelVersion, *, passes: bool = True) -> None:
        """Train a version, and judge it against what serves."""
        trained(tx, version)
        judged(tx, version, passes=passes, on=10)

    @property
    def world(self) -> RolloutWorld:
        """What rollouts work on."""
        settings = RolloutSettings(plans={self.learner: self.plan})
        rules = RolloutRules(**{"rollout": settings, **self.rules})
        return RolloutWorld(ledger=self.ledger, learner=self.learner, horizon=self.horizon, rules=rules)

    def begin(self, version: ModelVersion = NEW) -> StoredRollout:
        """Begin a rollout now."""
        found = begin_rollout(self.world, version, self.at)
        assert found is not None
        return found

    def put(self, stage: int, share: float) -> None:
        """Put the running rollout into a stage without walking there; it entered it now."""
        with self.ledger.transaction() as tx:
            tx.execute(sa.update(rollouts).values(stage=stage, share=share, entered_at=self.at, updated_at=self.at))

    def tick(self) -> tuple[Any, ...]:
        """Look now; how everything stands after it."""
        tick_rollouts(self.world, self.at)
        return standing(self.ledger, self.learner)

    def live(self, days: float, earns: Earns = steady, *, versions: Iterable[ModelVersion] = (OLD, NEW)) -> None:
        """Decide every hour as the routing says, for some days, with nobody looking."""
        known = set(versions)
        end = self.at + timedelta(days=days)
        inferences: list[Inference] = []
        signals: list[tuple[NewSignal, Said]] = []
        with self.ledger.reading() as tx:
            routing = deciders(tx, self.learner)
        while self.at < end:
            self.at += BAR
            self.number += 1
            for pair in PAIRS:
                decider = routing.of(pair, "1h", self.at - BAR)
                for version in (decider.acting, *decider.shadows):
                    said = earns(version, self.number) if version in known else None
                    if said is not None:
                        shadow = version != decider.acting
                        test_id = None if shadow else decider.ab_test_id
                        self._say(pair, version, said, shadow, test_id, inferences, signals)
        self._write(inferences, signals)

    def _say(
        self, pair: str, version: ModelVersion, said: Said, shadow: bool, test_id: UUID | None, inferences: Any,
        signals: Any,
    ) -> None:  # fmt: skip
        trace = f"{pair} {self.at.isoformat()} {version}"
        inference_id = identity("inference", trace)
        response = {"decision": {"position_size": said.size, "probability": said.probability}}
        inferences.append(
            Inference(
                inference_id=inference_id, trace_id=trace, model_version=version, learner=self.learner, prompt_hash="",
                prompt_payload={}, response_payload=response, created_at=self.at, latency_ms=said.latency_ms,
            )
        )  # fmt: skip
        signal = NewSignal(
            pair=pair, timeframe="1h", bar_timestamp=self.at - BAR, model_version=version, learner=self.learner,
            signal=said.signal, confidence=said.confidence, features_hash="f" * 64, trace_id=trace,  # type: ignore[arg-type]
            inference_id=inference_id, ab_test_id=test_id, is_shadow=shadow, entry_price=1.0, atr=0.01,
        )  # fmt: skip
        signals.append((self.at, signal, said))

    def _write(self, inferences: list[Inference], signals: Any) -> None:
        with self.ledger.transaction() as tx:
            append_inferences(tx, inferences)
            for at, signal, said in signals:
                record_signals(tx, [signal], at)
                if said.pnl is not None and said.signal != "hold":
                    kind = "win" if said.pnl > 0 else "loss" if said.pnl < 0 else "breakeven"
                    outcome = SignalOutcome(outcome=kind, pnl=said.pnl, source="virtual")  # type: ignore[arg-type]
                    resolve_signal(tx, signal.id, outcome, at + HELD)


def standing(ledger: Ledger, learner: str = "m002") -> tuple[Any, ...]:
    """Who serves; and of the newest rollout: candidate, stage, share, status; and the candidate's own status."""
    with ledger.reading() as tx:
        serving = champion(tx, learner)
        found = [one for one in list_rollouts(tx) if one.learner == learner]
        if not found:
            return (serving,)
        last = found[-1]
        status = get_version(tx, last.state.candidate).status
        return serving, last.state.candidate, last.state.stage, last.share, last.state.status.value, status
