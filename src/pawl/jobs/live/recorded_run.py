"""A run of the loop as its log tells it: its instants, what it left out, and where everything took effect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from pawl.errors import InputError, NotFoundError, RefusalError
from pawl.jobs.live.act_record import BEHIND
from pawl.jobs.live.composing import INLINE
from pawl.jobs.live.journal import BEGIN, END
from pawl.jobs.live.loop_place import LoopPlace, place_reached
from pawl.jobs.live.recorded_source import HISTORY
from pawl.jobs.live.skipped_runs import Skips
from pawl.jobs.live.trade_arrivals import TRADES
from pawl.ledger.live_log import LiveEntry, live_entries
from pawl.ledger.live_tables import live_log, user_trading_history
from pawl.ledger.signal_tables import trading_signals

__all__ = ["ACT", "STARTS", "TAKES_EFFECT", "Effect", "RecordedRun", "learner_of", "recorded_run"]

STARTS = 0
ACT = 1
TAKES_EFFECT = 2


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Effect:
    """A training that begins or takes effect, or an act, and the run behind which it does."""

    place: LoopPlace
    kind: int
    entry: LiveEntry = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """What was lived. prepared_at: when the history ended. until: no run of a later place was made.

    effects: in their order. chosen: what was chosen for the run beside its settings.
    """

    learner: str
    prepared_at: datetime
    since: datetime
    until: LoopPlace
    skips: Skips
    effects: tuple[Effect, ...]
    chosen: Mapping[str, Any]


def learner_of(tx: sa.Connection, asked: str | None) -> str:
    """The learner whose run is meant: the one asked for, or the only one that lived here."""
    found = list(tx.execute(sa.select(live_log.c.learner).where(live_log.c.name == BEGIN).distinct()).scalars())
    if asked is not None and asked in found:
        return asked
    if asked is not None or not found:
        raise NotFoundError(f"no run of `{asked or 'any learner'}` was recorded", where="live_log", fix="see pawl up")
    if len(found) > 1:
        raise InputError(f"several lived here: {', '.join(sorted(found))}", where="--learner", fix="name one of them")
    return str(found[0])


def recorded_run(tx: sa.Connection, learner: str) -> RecordedRun:
    """The whole life of a learner in a workspace. RefusalError for one of which something is not on record."""
    entries = live_entries(tx, learner)
    begins = [one for one in entries if one.kind == "act" and one.name == BEGIN]
    ends = [one for one in entries if one.kind == "act" and one.name == END]
    histories = [one for one in entries if one.kind == "received" and one.name == HISTORY]
    if not begins or not histories:
        raise RefusalError(
            f"the life of `{learner}` did not begin here with `pawl up` in an empty workspace",
            where="live_log",
            fix="only a run that began so can be played again",
        )
    _require_on_record(tx, learner, begins, entries)
    since = min(one.at for one in begins)
    until = place_reached(tx, learner, since)
    if len(ends) == len(begins):
        until = LoopPlace(at=max(one.at for one in ends), cycle=len(INLINE), number=0)
    return RecordedRun(
        learner=learner,
        prepared_at=histories[0].at,
        since=since,
        until=until,
        skips=_skips(entries),
        effects=tuple(sorted(_effects(entries))),
        chosen=begins[0].payload["chosen"],
    )


def _require_on_record(tx: sa.Connection, learner: str, begins: list[LiveEntry], entries: list[LiveEntry]) -> None:
    if any(
        one.payload.get("chosen") != begins[0].payload.get("chosen") or not one.payload.get("chosen") for one in begins
    ):
        problem, fix = "its runs were made with different settings, seeds or tickers", "play one that was made with one"
    elif _unheard_trades(tx, learner, entries):
        problem, fix = "when its loop heard of some of its users' trades is not on record", "it cannot be made up for"
    else:
        return
    raise RefusalError(f"the life of `{learner}` cannot be played again: {problem}", where="live_log", fix=fix)


def _unheard_trades(tx: sa.Connection, learner: str, entries: list[LiveEntry]) -> set[str]:
    """Trades on the learner's signals that its loop has not heard of by itself, or not of their end."""
    t, s = user_trading_history.c, trading_signals.c
    joined = user_trading_history.join(trading_signals, t.signal_id == s.id)
    stand = tx.execute(sa.select(t.id, t.closed_at).select_from(joined).where(s.learner == learner)).all()
    heard = [one.payload for one in entries if one.kind == "received" and one.name == TRADES]
    opened = {one["id"] for told in heard for one in told["opened"]}
    closed = {one["id"] for told in heard for one in told["closed"]}
    return {str(one.id) for one in stand} - opened | {str(one.id) for one in stand if one.closed_at} - closed


def _skips(entries: list[LiveEntry]) -> Skips:
    found: dict[str, list[tuple[datetime, int]]] = {}
    for one in entries:
        if one.kind == "cycle" and "missed" in one.payload:
            found.setdefault(one.name, []).append((one.at, one.payload["missed"]))
    return found


def _effects(entries: list[LiveEntry]) -> list[Effect]:
    found = []
    for one in entries:
        told = one.payload
        if one.kind == "act" and BEHIND in told:
            found.append(Effect(place=LoopPlace.of(told[BEHIND]), kind=ACT, entry=one))
        elif one.kind == "training" and "began_behind" in told:
            found.append(Effect(place=LoopPlace.of(told["began_behind"]), kind=STARTS, entry=one))
            found.append(Effect(place=LoopPlace.of(told["took_effect_behind"]), kind=TAKES_EFFECT, entry=one))
    return found
