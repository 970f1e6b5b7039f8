"""Users' trades on live signals, from the events of the write paths to `user_trading_history`.

The position cycle takes them up, at the head of each run and behind a mark that moves in the same transaction, and not
the worker that folds events into trajectories: a `pawl up` alone hears of its users then; every outcome follows from
what the very run has heard, which stands in the log, so that a life can be played again; and the write paths do for it
what they do anyway, and nothing more. A process that dies before the commit has heard of nothing, and the next hears
of all of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa

from pawl.jobs.live.cycle import Told
from pawl.ledger.column_types import utc_text
from pawl.ledger.database import Ledger
from pawl.ledger.event_payloads import TradeAction, TradeClosed
from pawl.ledger.live_log import LiveEntry, live_entries, log_live
from pawl.ledger.trade_events import TradedSignal, TradeEvent, move_marks, new_trade_events
from pawl.ledger.user_trades import OpenedTrade, close_trade, open_trade

__all__ = ["TRADES", "Arrived", "RecordedTrades", "TradeSource", "UsersTrades", "take_up_trades"]

TRADES = "trades"
"""Name of the entries of the live log that say what was heard of users' trades at an instant."""

ACTED_AS = {"long": "buy", "short": "sell"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What was heard of at once. opened, closed: as they stand in the log. key: tells this from what else was heard at
    the instant. marks: how far the events are read with it. unreadable: events that say nothing that can be read.
    """

    key: str
    opened: Sequence[Mapping[str, Any]]
    closed: Sequence[Mapping[str, Any]]
    marks: Mapping[str, int] = field(default_factory=dict)
    unreadable: Sequence[UUID] = ()


class TradeSource(Protocol):
    """Where a loop hears of its users' trades."""

    def arrived(self, ledger: Ledger, learner: str, at: datetime) -> Sequence[Arrived]:
        """What was not heard of before `at`; nothing, in most minutes."""
        ...


@dataclass(frozen=True, slots=True)
class UsersTrades:
    """From the events of the write paths. is_own_time: the loop's time is not the users', so that a trade is opened and
    closed, for the loop, when it hears of it.
    """

    is_own_time: bool = False

    def arrived(self, ledger: Ledger, learner: str, at: datetime) -> Sequence[Arrived]:
        """What users did since the last run that heard of them."""
        with ledger.reading() as tx:
            new = new_trade_events(tx, learner)
        if not new.marks:
            return ()
        heard_at = at if self.is_own_time else None
        said = [(one, one.said) for one in new.events]
        return [
            Arrived(
                key=new.key,
                opened=[_opened(one, told, heard_at) for one, told in said if isinstance(told, TradeAction)],
                closed=[_closed(told, heard_at) for _, told in said if isinstance(told, TradeClosed)],
                marks=new.marks,
                unreadable=new.unreadable,
            )
        ]


class RecordedTrades:
    """From the log of a life, for one that plays it again."""

    def __init__(self, tx: sa.Connection, learner: str) -> None:
        self._at: dict[datetime, list[Arrived]] = {}
        for one in live_entries(tx, learner, "received", (TRADES,)):
            told = Arrived(key=one.key, opened=one.payload["opened"], closed=one.payload["closed"])
            self._at.setdefault(one.at, []).append(told)

    def arrived(self, ledger: Ledger, learner: str, at: datetime) -> Sequence[Arrived]:
        """What was heard of at this instant."""
        return self._at.get(at, ())


def take_up_trades(ledger: Ledger, learner: str, source: TradeSource, at: datetime) -> Told:
    """Write down what users did with the signals of a learner, each once: how many trades were opened and closed."""
    arrived = source.arrived(ledger, learner, at)
    if not arrived:
        return {}
    n_opened = n_closed = 0
    with ledger.transaction() as tx:
        for one in arrived:
            # Openings first: around the turn of a month two chains grow, and the one of the close may be read before.
            n_opened += sum(open_trade(tx, _opened_trade(told), at) for told in one.opened)
            n_closed += sum(_close(tx, told) for told in one.closed)
            _log(tx, learner, one, at)
            move_marks(tx, learner, one.marks)
    unreadable = [f"event {name} cannot be read, and is no trade" for one in arrived for name in one.unreadable]
    counts = {"trades_opened": n_opened, "trades_closed": n_closed}
    return {**{name: n for name, n in counts.items() if n}, **({"warnings": unreadable} if unreadable else {})}


def _log(tx: sa.Connection, learner: str, arrived: Arrived, at: datetime) -> None:
    if arrived.opened or arrived.closed:
        payload = {"opened": list(arrived.opened), "closed": list(arrived.closed)}
        log_live(
            tx, [LiveEntry(learner=learner, at=at, kind="received", name=TRADES, key=arrived.key, payload=payload)]
        )


def _opened(event: TradeEvent, said: TradeAction, heard_at: datetime | None) -> dict[str, Any]:
    opened_at = heard_at or said.opened_at
    return {
        "id": said.trade_id,
        "user_id": str(event.user_id),
        "pair": said.ticker,
        "opened_at": utc_text(opened_at),
        "entry": said.entry_price,
        "signal_id": str(event.signal.id) if _is_followed(event.signal, said, opened_at) else None,
    }


def _is_followed(signal: TradedSignal, said: TradeAction, opened_at: datetime) -> bool:
    """Whether a trade is what the signal said, so that its result is the signal's.

    Not the other side of it, nor another pair, nor one that began before the signal was given or once it had its
    outcome; and what decided in shadow never reaches trading, whoever has guessed its name.
    """
    is_same = signal.pair == said.ticker and signal.signal == ACTED_AS[said.side]
    is_open = signal.created_at <= opened_at and (signal.resolved_at is None or opened_at < signal.resolved_at)
    return is_same and is_open and not signal.is_shadow


def _closed(said: TradeClosed, heard_at: datetime | None) -> dict[str, Any]:
    closed_at = utc_text(heard_at or said.closed_at)
    return {"id": said.trade_id, "closed_at": closed_at, "exit": said.exit_price, "pnl_bps": said.pnl_bps}


def _opened_trade(told: Mapping[str, Any]) -> OpenedTrade:
    return OpenedTrade(
        id=UUID(told["id"]),
        user_id=UUID(told["user_id"]),
        pair=told["pair"],
        opened_at=datetime.fromisoformat(told["opened_at"]),
        entry=told["entry"],
        signal_id=None if told["signal_id"] is None else UUID(told["signal_id"]),
    )


def _close(tx: sa.Connection, told: Mapping[str, Any]) -> bool:
    closed_at = datetime.fromisoformat(told["closed_at"])
    return close_trade(tx, UUID(told["id"]), closed_at, told["exit"], told["pnl_bps"])
