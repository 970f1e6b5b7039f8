"""The four write paths: what is asked is checked, its ids are given, and the ledger takes it or refuses it whole."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import polars as pl
from fastapi import APIRouter, Header, Response

from pawl.ledger.event_payloads import FrozenContext
from pawl.ledger.identity import identity
from pawl.ledger.personal_data import keep_personal_data
from pawl.ledger.write_commands import WriteCommand
from pawl.serving.actions import closing, conversion, opening, tracking
from pawl.serving.answers import EntryAnswer, SignalAnswer, TradeAnswer, answer_of
from pawl.serving.asked import Asked, request_hash
from pawl.serving.bodies import ActionBody, CloseBody, ConvertBody, OpenBody, TrackBody
from pawl.serving.fresh_secret import new_key
from pawl.serving.guard import Caller, guarded_router
from pawl.serving.inferred_plans import InferredPlan
from pawl.serving.market_view import NoMarket
from pawl.serving.opened_trades import is_written, opened_trade, signal_of
from pawl.serving.problems import ClockSkewError
from pawl.serving.service import Service

__all__ = ["write_routes"]

REPLAYED = {"Idempotent-Replay": "true"}

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[ -~]+$",
        description="The same key and body again are the same request; without one each request is a new one.",
    ),
]


def write_routes(service: Service) -> APIRouter:
    """POST /api/signals/track, /api/signals/{id}/convert, /api/quick-trades/open and /api/quick-trades/{id}/close."""
    router = guarded_router(service)

    def answered(model: type) -> dict[str, Any]:
        repeated: dict[int | str, dict[str, Any]] = {
            200: {"model": model, "description": "Written before; header Idempotent-Replay: true"}
        }
        return {"status_code": 201, "response_model": model, "responses": repeated}

    @router.post("/api/signals/track", **answered(SignalAnswer))
    async def track(body: TrackBody, user_id: Caller, key: Key = None) -> Response:
        """Follow a recommendation."""
        asked = await _asked(service, body, user_id, f"/api/signals/track {key or new_key()}")
        inferred = await _inferred(service, body.inference_id, user_id)
        context = await _context(service, body.ticker, asked.at)
        return await _write(service, body, tracking(body, asked, inferred, context))

    @router.post("/api/quick-trades/open", **answered(TradeAnswer))
    async def open_trade(body: OpenBody, user_id: Caller, key: Key = None) -> Response:
        """Open a trade, on a recommendation or on none."""
        asked = await _asked(service, body, user_id, f"/api/quick-trades/open {key or new_key()}")
        inferred = await _inferred(service, body.inference_id, user_id)
        context = await _context(service, body.ticker, asked.at)
        return await _write(service, body, opening(body, asked, inferred, context))

    @router.post("/api/signals/{signal_id}/convert", **answered(TradeAnswer))
    async def convert(signal_id: UUID, body: ConvertBody, user_id: Caller, key: Key = None) -> Response:
        """Open a trade on a tracked signal."""
        asked = await _asked(service, body, user_id, f"/api/signals/{signal_id}/convert {key or new_key()}")

        def build() -> WriteCommand:
            with service.ledger.reading() as tx:
                signal = signal_of(tx, signal_id, user_id)
            return conversion(body, asked, signal)

        return await _write(service, body, await asyncio.to_thread(build))

    @router.post("/api/quick-trades/{trade_id}/close", **answered(EntryAnswer))
    async def close(trade_id: UUID, body: CloseBody, user_id: Caller, key: Key = None) -> Response:
        """Close a trade; what it brought is measured here."""
        asked = await _asked(service, body, user_id, f"/api/quick-trades/{trade_id}/close {key or new_key()}")

        def build() -> WriteCommand:
            with service.ledger.reading() as tx:
                trade = opened_trade(tx, trade_id, user_id)
            prices = service.market.prices(trade.opening.ticker, trade.opening.opened_at, asked.at)
            # A hole in the market is no reason to refuse the close of a trade.
            price = pl.col("price")
            return closing(body, asked, trade, prices.filter(price.is_finite() & (price > 0)))

        return await _write(service, body, await asyncio.to_thread(build))

    return router


async def _asked(service: Service, body: ActionBody, user_id: UUID, key: str) -> Asked:
    now = service.now()
    at = body.occurred_at or now
    ahead_sec = (at - now).total_seconds()
    if not -service.settings.max_age_sec <= ahead_sec <= service.settings.max_future_sec:
        await _require_repeated(service, identity("event", user_id, key), ahead_sec)
        at = now
    return Asked(user_id=user_id, key=key, request_hash=request_hash(body), at=at.astimezone(UTC))


async def _require_repeated(service: Service, event_id: UUID, ahead_sec: float) -> None:
    """A request that was taken in time may be repeated at any time: the ledger answers it from what stands there."""

    def is_repeated() -> bool:
        with service.ledger.reading() as tx:
            return is_written(tx, event_id)

    if not await asyncio.to_thread(is_repeated):
        limits, side = service.settings, "ahead of" if ahead_sec > 0 else "behind"
        raise ClockSkewError(
            f"the action is dated {abs(ahead_sec):.0f} s {side} the server's clock",
            where="body.occurred_at",
            fix=f"set the clock: {limits.max_future_sec:g} s ahead and {limits.max_age_sec:g} s behind are taken",
        )


async def _inferred(service: Service, inference_id: UUID | None, user_id: UUID) -> InferredPlan | None:
    if inference_id is None:
        return None
    known = service.inferred.known(inference_id, user_id)
    return known or await asyncio.to_thread(service.inferred.of, inference_id, user_id)


async def _context(service: Service, ticker: str, at: datetime) -> FrozenContext:
    if isinstance(service.market, NoMarket):
        return service.market.context(ticker, at)
    return await asyncio.to_thread(service.market.context, ticker, at)


async def _write(service: Service, body: ActionBody, command: WriteCommand) -> Response:
    if body.wallet is not None or body.email is not None:
        await asyncio.to_thread(_keep_person, service, body, command.user_id)
    written = await service.writer.write(command)
    return Response(
        answer_of(written).model_dump_json(),
        status_code=201 if written.is_new else 200,
        headers={} if written.is_new else REPLAYED,
        media_type="application/json",
    )


def _keep_person(service: Service, body: ActionBody, user_id: UUID) -> None:
    with service.ledger.transaction() as tx:
        keep_personal_data(tx, user_id, service.now(), wallet=body.wallet, email=body.email)
