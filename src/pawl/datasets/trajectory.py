"""A trajectory (L1) from the events of one decision: context, decision, action and outcome, each apart.

The events may come in any order and any number of times: each part follows from one event alone, and of several that
could give it the one recorded first does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import polars as pl

from pawl.datasets.passport_settings import PassportSettings
from pawl.errors import InputError
from pawl.ledger.column_types import utc_text
from pawl.ledger.event_payloads import (
    EventPayload,
    FrozenContext,
    SignalConverted,
    SignalTracked,
    TradeAction,
    TradeClosed,
    TradeOpened,
)
from pawl.market.basis_points import BPS
from pawl.policy.action import Action
from pawl.policy.label_quality import label_quality
from pawl.policy.risk_rules import RISK_SCHEMA, with_violations
from pawl.policy.utility import UtilityTerms, direction_hit, utility_score

__all__ = [
    "FACTS",
    "DecisionChain",
    "DecisionEvent",
    "Scored",
    "chains_of",
    "context_part",
    "decision_part",
    "score",
    "stop_distance_bps",
]

STOP_DECIMALS = 4

FACTS = (
    "pnl_bps",
    "max_drawdown_bps",
    "hold_sec",
    "slippage_bps",
    "move_bps",
    "resolved_at",
    "exit_price",
    "stop_price",
)
"""Of an outcome: what happened, whatever the settings are. The rest of it was judged by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionEvent:
    """One event of the outbox, read. source_event_id: its primary row. decision_id: the source event of the decision
    that it belongs to; InputError where it names none.
    """

    event_id: UUID
    user_id: UUID
    trace_id: str
    inference_id: UUID | None
    source_event_id: UUID
    recorded_at: datetime
    payload: EventPayload
    decision_id: UUID = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "decision_id", _decision_id(self.payload, self.source_event_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionChain:
    """What is known of one decision. acted: what the user did; for a trade opened directly it is the decision itself.
    closed: how it ended.
    """

    decided: DecisionEvent
    acted: DecisionEvent | None
    closed: DecisionEvent | None

    @property
    def is_final(self) -> bool:
        """Whether its outcome can be told: a close says nothing of an action that has not arrived."""
        return self.acted is not None and self.closed is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The outcome of a chain and how it was judged."""

    outcome_features: dict[str, Any]
    utility_score: float
    label_quality: str


def chains_of(events: Iterable[DecisionEvent]) -> dict[UUID, DecisionChain]:
    """Decision id → its chain, for every decision whose own event is among them.

    An event of another user, or of another trace, is none of the decision's.
    """
    decided: dict[UUID, DecisionEvent] = {}
    acted: dict[UUID, DecisionEvent] = {}
    closed: dict[UUID, DecisionEvent] = {}
    ordered = sorted(events, key=lambda event: (event.recorded_at, event.event_id))
    for event in ordered:
        if isinstance(event.payload, SignalTracked | TradeOpened):
            decided.setdefault(event.source_event_id, event)
    for event in ordered:
        key = event.decision_id
        owner = decided.get(key)
        if owner is None or (owner.user_id, owner.trace_id) != (event.user_id, event.trace_id):
            continue
        if isinstance(event.payload, TradeAction):
            acted.setdefault(key, event)
        elif isinstance(event.payload, TradeClosed):
            closed.setdefault(key, event)
    return {
        key: DecisionChain(decided=event, acted=acted.get(key), closed=closed.get(key))
        for key, event in decided.items()
    }


def context_part(chain: DecisionChain) -> dict[str, Any]:
    """`context_features`: the context as it was frozen with the decision."""
    payload = chain.decided.payload
    assert isinstance(payload, SignalTracked | TradeOpened)
    context: FrozenContext = payload.context
    return {**dict(context), "known_at": None if context.known_at is None else utc_text(context.known_at)}


def decision_part(chain: DecisionChain) -> dict[str, Any]:
    """`decision_features`: what was recommended, and under `action` what the user did (None: nothing so far).

    Where nothing was recommended, every field of a recommendation is None: what the user chose stands in the action.
    """
    payload = chain.decided.payload
    assert isinstance(payload, SignalTracked | TradeOpened)
    advice = payload.recommendation
    decided_at = payload.decided_at if isinstance(payload, SignalTracked) else payload.opened_at
    return {
        "ticker": payload.ticker,
        "decided_at": utc_text(decided_at),
        "direction": advice.direction if advice else None,
        "confidence": advice.confidence if advice else None,
        "tp_bps": list(advice.tp_bps) if advice else [],
        "sl_bps": advice.sl_bps if advice else None,
        "leverage": advice.leverage if advice else None,
        "max_position_pct": advice.max_position_pct if advice else None,
        "rationale_hash": advice.rationale_hash if advice else None,
        "decision_price": payload.decision_price,
        "horizon_sec": payload.horizon_sec,
        "learner": advice.learner if advice else None,
        "model_version": advice.model_version if advice else None,
        "is_recommended": advice is not None,
        "action": None if chain.acted is None else _action(chain.acted),
    }


def stop_distance_bps(action: TradeAction) -> float | None:
    """Distance of the stop from the entry, bps of the entry; negative where it lies on the side of the profit, which
    is no stop at all; None where none was set.
    """
    if action.stop_price is None:
        return None
    sign = Action(action.side).sign
    return round(sign * (action.entry_price - action.stop_price) / action.entry_price * BPS, STOP_DECIMALS)


def score(chains: Sequence[DecisionChain], settings: PassportSettings) -> list[Scored | InputError]:
    """The outcome of each chain, all of them final: what happened, the rules that the action broke, utility and label.

    All of it judges the action, which is what the outcome came of. The recommendation, where the user did something
    else, is neither praised nor blamed. InputError for an outcome whose utility no column holds.
    """
    rows = [_exposure(chain) for chain in chains]
    broken = with_violations(pl.DataFrame(rows, schema=RISK_SCHEMA), settings.limits).get_column("broken_rules")
    return [_scored(chain, names, settings) for chain, names in zip(chains, broken.to_list(), strict=True)]


def _scored(chain: DecisionChain, broken_rules: list[str], settings: PassportSettings) -> Scored | InputError:
    assert chain.closed is not None
    payload = chain.closed.payload
    assert isinstance(payload, TradeClosed)
    is_hit = direction_hit(Action(_payload(chain).side), payload.move_bps, settings.utility.neutral_band_bps)
    terms = UtilityTerms(
        pnl_bps=payload.pnl_bps,
        max_drawdown_bps=payload.max_drawdown_bps,
        rule_violations=len(broken_rules),
        direction_hit=is_hit,
        hold_sec=payload.hold_sec,
    )
    try:
        utility = utility_score(terms, settings.utility)
    except InputError as error:
        return error
    outcome = {
        "pnl_bps": payload.pnl_bps,
        "max_drawdown_bps": payload.max_drawdown_bps,
        "hold_sec": payload.hold_sec,
        "slippage_bps": payload.slippage_bps,
        "move_bps": payload.move_bps,
        "resolved_at": utc_text(chain.closed.recorded_at),
        "exit_price": payload.exit_price,
        "stop_price": payload.stop_price,
        "rule_violations": len(broken_rules),
        "broken_rules": broken_rules,
        "direction_hit": is_hit,
    }
    label = label_quality(utility, len(broken_rules), settings.labels, is_final=True)
    return Scored(outcome_features=outcome, utility_score=utility, label_quality=label.value)


def _exposure(chain: DecisionChain) -> dict[str, Any]:
    """What the risk rules read of the action: RISK_SCHEMA."""
    action, decided = _payload(chain), chain.decided.payload
    assert isinstance(decided, SignalTracked | TradeOpened)
    return {
        "direction": action.side,
        "sl_bps": stop_distance_bps(action),
        "leverage": action.leverage,
        "size_pct": action.size_pct,
        "max_position_pct": decided.recommendation.max_position_pct if decided.recommendation else None,
        "is_invalid_output": False,
    }


def _payload(chain: DecisionChain) -> TradeAction:
    assert chain.acted is not None
    payload = chain.acted.payload
    assert isinstance(payload, TradeAction)
    return payload


def _action(event: DecisionEvent) -> dict[str, Any]:
    payload = event.payload
    assert isinstance(payload, TradeAction)
    return {
        "side": payload.side,
        "size": payload.size,
        "size_pct": payload.size_pct,
        "price": payload.entry_price,
        "time": utc_text(payload.opened_at),
        "leverage": payload.leverage,
        "sl_bps": stop_distance_bps(payload),
        "stop_price": payload.stop_price,
        "followed": payload.is_followed,
        "overrode": None if payload.is_followed is None else not payload.is_followed,
        "trade_id": payload.trade_id,
    }


def _decision_id(payload: EventPayload, source_event_id: UUID) -> UUID:
    if isinstance(payload, SignalConverted):
        return _uuid(payload.signal_id, "signal_id")
    if isinstance(payload, TradeClosed):
        return _uuid(payload.decision_id, "decision_id")
    return source_event_id


def _uuid(text: str, field: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise InputError(f"`{field}` is {text!r}, no id", where="event", fix="mend whatever wrote it") from error
