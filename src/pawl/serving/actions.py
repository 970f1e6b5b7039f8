"""From what was asked to the command for the ledger: everything it needs is computed here and frozen into it."""

from math import floor
from typing import Literal, cast

import polars as pl

from pawl.errors import BeforeOpenError, InputError
from pawl.ledger.event_payloads import (
    FrozenContext,
    Recommendation,
    SignalConverted,
    SignalTracked,
    TradeClosed,
    TradeOpened,
)
from pawl.ledger.identity import id_text
from pawl.ledger.write_commands import CloseTrade, ConvertSignal, OpenTrade, TrackSignal, row_id
from pawl.market.basis_points import BPS
from pawl.policy.outcome import Fill, max_drawdown_bps, pnl_bps, slippage_bps
from pawl.serving.asked import Asked
from pawl.serving.bodies import CloseBody, ConvertBody, OpenBody, RecommendationBody, TrackBody
from pawl.serving.inferred_plans import InferredPlan
from pawl.serving.opened_trades import OpenedTrade, Signal
from pawl.serving.rationale import rationale_hash

__all__ = ["closing", "conversion", "opening", "recommended", "tracking"]


def recommended(said: RecommendationBody | None, inferred: InferredPlan | None) -> Recommendation | None:
    """What was recommended; None where nothing was. What the inference says comes before what the client says."""
    direction = inferred.direction if inferred else None
    if direction is None and said is not None:
        direction = "flat" if said.direction == "neutral" else said.direction
    if direction is None:
        return None

    def best(name: str) -> float | None:
        found = getattr(inferred, name, None)
        return cast(float | None, getattr(said, name, None) if found is None else found)

    return Recommendation(
        direction=direction,
        confidence=best("confidence"),
        sl_bps=best("sl_bps"),
        tp_bps=(inferred.tp_bps if inferred else ()) or tuple(said.tp_bps if said else ()),
        leverage=best("leverage"),
        max_position_pct=best("max_position_pct"),
        rationale_hash=rationale_hash(said.rationale) if said and said.rationale else None,
        learner=inferred.learner if inferred else None,
        model_version=inferred.model_version if inferred else None,
    )


def tracking(body: TrackBody, asked: Asked, inferred: InferredPlan | None, context: FrozenContext) -> TrackSignal:
    """Follow a recommendation."""
    recommendation = recommended(body, inferred)
    assert recommendation is not None  # a body names a direction
    payload = SignalTracked(
        request_hash=asked.request_hash,
        ticker=body.ticker,
        signal_id=id_text(row_id("signal", asked.user_id, asked.key, asked.at)),
        decided_at=asked.at,
        decision_price=body.decision_price or body.entry,
        horizon_sec=body.horizon_sec,
        recommendation=recommendation,
        context=context,
    )
    return TrackSignal(
        user_id=asked.user_id, key=asked.key, occurred_at=asked.at, inference_id=body.inference_id, payload=payload
    )


def opening(body: OpenBody, asked: Asked, inferred: InferredPlan | None, context: FrozenContext) -> OpenTrade:
    """Open a trade, on a recommendation or on none."""
    recommendation = recommended(body.recommendation, inferred)
    payload = TradeOpened(
        request_hash=asked.request_hash,
        ticker=body.ticker,
        trade_id=id_text(row_id("trade", asked.user_id, asked.key, asked.at)),
        side=body.side,
        size=body.size,
        size_pct=body.size_pct,
        leverage=body.leverage,
        entry_price=body.entry_price,
        stop_price=body.stop_price,
        target_price=body.target_price,
        opened_at=asked.at,
        is_followed=None if recommendation is None else recommendation.direction == body.side,
        decision_price=body.decision_price,
        horizon_sec=body.horizon_sec,
        recommendation=recommendation,
        context=context,
    )
    return OpenTrade(
        user_id=asked.user_id, key=asked.key, occurred_at=asked.at, inference_id=body.inference_id, payload=payload
    )


def conversion(body: ConvertBody, asked: Asked, signal: Signal) -> ConvertSignal:
    """Open a trade on a signal.

    InputError where the signal recommends no side and none is given; BeforeOpenError for a trade before its signal.
    """
    if asked.at < signal.tracked_at:
        raise _out_of_order("the signal is converted before it was tracked")
    side = body.side or signal.direction
    if side == "flat":
        raise InputError("the signal recommends no side", where="body.side", fix="name the side you took")
    payload = SignalConverted(
        request_hash=asked.request_hash,
        ticker=signal.ticker,
        signal_id=str(signal.signal_id),
        trade_id=id_text(row_id("trade", asked.user_id, asked.key, asked.at)),
        side=cast(Literal["long", "short"], side),
        size=body.size,
        size_pct=body.size_pct,
        leverage=body.leverage,
        entry_price=body.entry_price,
        stop_price=body.stop_price,
        target_price=body.target_price,
        opened_at=asked.at,
        is_followed=side == signal.direction,
    )
    return ConvertSignal(
        user_id=asked.user_id, key=asked.key, occurred_at=asked.at, inference_id=signal.inference_id, payload=payload
    )


def closing(body: CloseBody, asked: Asked, trade: OpenedTrade, prices: pl.DataFrame) -> CloseTrade:
    """Close a trade and measure what it brought. prices: `ts` and `price` while it was held; may be empty.

    BeforeOpenError for a close before the opening.
    """
    opened = trade.opening
    if asked.at < opened.opened_at:
        raise _out_of_order("the trade is closed before it was opened")
    quantity = opened.size / opened.entry_price * (1.0 if opened.side == "long" else -1.0)
    entry = Fill(at=opened.opened_at, quantity=quantity, price=opened.entry_price)
    fills = (entry, Fill(at=asked.at, quantity=-quantity, price=body.exit_price, cost=body.fees))
    net_bps = pnl_bps(fills)
    price = trade.decision_price
    payload = TradeClosed(
        request_hash=asked.request_hash,
        ticker=opened.ticker,
        entry_id=id_text(row_id("pnl", asked.user_id, asked.key, asked.at)),
        trade_id=str(trade.trade_id),
        decision_id=str(trade.decision_id),
        exit_price=body.exit_price,
        closed_at=asked.at,
        fees=body.fees,
        pnl=net_bps / BPS * opened.size,
        pnl_bps=net_bps,
        max_drawdown_bps=max_drawdown_bps(fills, prices),
        hold_sec=floor((asked.at - opened.opened_at).total_seconds()),
        slippage_bps=None if price is None else slippage_bps((entry,), price),
        move_bps=(body.exit_price / (price or opened.entry_price) - 1) * BPS,
        stop_price=opened.stop_price,
    )
    return CloseTrade(
        user_id=asked.user_id, key=asked.key, occurred_at=asked.at, inference_id=trade.inference_id, payload=payload
    )


def _out_of_order(what: str) -> BeforeOpenError:
    return BeforeOpenError(
        what, where="body.occurred_at", fix="date it later, or leave it out to take the server's clock"
    )
