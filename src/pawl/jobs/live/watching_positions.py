"""The position cycle: open signals against their stop, target and horizon, and users' trades on them."""

from datetime import datetime, timedelta
from typing import cast

import sqlalchemy as sa

from pawl.jobs.live.cycle import Told
from pawl.jobs.live.outcomes import Position, Side, named_outcome, virtual_outcome
from pawl.jobs.live.trade_arrivals import take_up_trades
from pawl.jobs.live.world import LiveWorld
from pawl.ledger.column_types import utc_text
from pawl.ledger.decision_tables import decision_trajectories
from pawl.ledger.loop_outbox import announce
from pawl.ledger.loop_payloads import SignalOutcome as OutcomeEvent
from pawl.ledger.market_data import ClosedBar, bars_behind
from pawl.ledger.signals import NewSignal, OpenSignal, SignalOutcome, note_bars, open_signals, resolve_signal
from pawl.ledger.user_trades import ClosedTrade, closed_trades, traded_signals

__all__ = ["TRADE_PATIENCE", "watch_positions"]

TRADE_PATIENCE = timedelta(days=1)
"""How long a signal waits for a trade on it that stays open: until the next daily update could have had it. Then the
bars speak, so that a user who never closes blinds no test and no guard-rail; the close, when it comes, replaces it."""

TRADES_REACH = timedelta(days=30)
"""A trade that is told of later than this after its close no longer changes what stands."""


def watch_positions(world: LiveWorld, at: datetime) -> Told:
    """Hear of users' trades, and resolve what can be resolved at `at`: real trades first, then signals that nobody
    trades, from the bars. What the bars say is written down of every signal, traded or not.

    A signal on which a trade is open waits for it, for a day. Nothing to do costs four questions and no write.
    """
    heard = take_up_trades(world.ledger, world.name, world.trades, at)
    with world.ledger.reading() as tx:
        real = closed_trades(tx, world.name, at - TRADES_REACH, at)
        said = _said_by_bars(tx, world, at)
        named = [one.id for one, _ in said]
        traded = traded_signals(tx, named, at - TRADE_PATIENCE, at) | {one.signal_id for one in real}
    virtual = [(one, outcome) for one, outcome in said if one.actual_outcome is None and one.id not in traded]
    resolving = {one.id for one, _ in virtual}
    beside = [(one, outcome) for one, outcome in said if one.virtual_outcome is None and one.id not in resolving]
    if not real and not virtual and not beside:
        return heard
    n_resolved = 0
    with world.ledger.transaction() as tx:
        for trade in real:
            net = trade.net_return
            n_resolved += _resolve(
                tx, world, trade, SignalOutcome(outcome=named_outcome(net), pnl=net, source="real"), at
            )
        for signal, outcome in beside:
            note_bars(tx, signal.id, outcome, at)
        for signal, outcome in virtual:
            n_resolved += _resolve(tx, world, signal, outcome, at)
    resolved = {"resolved": n_resolved} if real or virtual else {}
    return {**heard, **resolved, **({"real": len(real)} if real else {})}


def _said_by_bars(tx: sa.Connection, world: LiveWorld, at: datetime) -> list[tuple[OpenSignal, SignalOutcome]]:
    """The open signals that the bars resolve."""
    spec = world.learner.spec
    waiting = [one for one in open_signals(tx, world.name) if one.entry_price is not None and one.created_at <= at]
    if not waiting:
        return []
    behind: dict[str, datetime] = {}
    for one in waiting:
        behind[one.pair] = min(behind.get(one.pair, one.bar_timestamp), one.bar_timestamp)
    bars = bars_behind(tx, str(spec.timeframe), behind, at)
    found: list[tuple[OpenSignal, SignalOutcome]] = []
    for one in waiting:
        assert one.entry_price is not None
        position = Position(
            side=cast(Side, one.signal), entry=one.entry_price, atr=one.atr, horizon_bars=spec.horizon_bars
        )
        resolved = virtual_outcome(position, _after(bars[one.pair], one.bar_timestamp), world.costs)
        if resolved is not None:
            outcome = SignalOutcome(outcome=resolved.outcome, pnl=resolved.pnl, source="virtual")
            found.append((one, outcome))
    return found


def _after(bars: list[ClosedBar], bar_timestamp: datetime) -> list[ClosedBar]:
    return [bar for bar in bars if bar.timestamp > bar_timestamp]


def _resolve(
    tx: sa.Connection, world: LiveWorld, signal: NewSignal | ClosedTrade, outcome: SignalOutcome, at: datetime
) -> bool:
    """Write what came of a signal, beside its decision too, and announce it where the signal was acted on."""
    which = signal.signal_id if isinstance(signal, ClosedTrade) else signal.id
    if not resolve_signal(tx, which, outcome, at):
        return False
    c = decision_trajectories.c
    told = {"outcome": outcome.outcome, "pnl": outcome.pnl, "source": outcome.source, "resolved_at": utc_text(at)}
    tx.execute(sa.update(decision_trajectories).where(c.source_event_id == which).values(outcome_features=told))
    if not signal.is_shadow:
        event = OutcomeEvent(
            signal_id=which,
            learner=world.name,
            pair=signal.pair,
            timeframe=signal.timeframe,
            bar_timestamp=signal.bar_timestamp,
            signal=signal.signal,
            model_version=signal.model_version,
            actual_outcome=outcome.outcome,
            actual_pnl=outcome.pnl,
            actual_pnl_percent=100.0 * outcome.pnl,
            outcome_source=outcome.source,
            resolved_at=at,
        )
        announce(tx, event, at)
    return True
