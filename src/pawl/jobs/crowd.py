"""The days of a simulated crowd: the clock moves, a model calls, users act, and the service hears of it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from pawl.errors import RefusalError
from pawl.ids import ModelVersion
from pawl.jobs.crowd_client import Answer
from pawl.jobs.crowd_market import CrowdMarket, call_id, standing_calls
from pawl.jobs.crowd_user import CrowdUser, Request
from pawl.ledger.column_types import canonical_json
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.inferences import Inference, append_inferences
from pawl.ledger.redaction import redact
from pawl.policy.crowd import Call
from pawl.policy.plan import plan_payload
from pawl.policy.trend_call import CALL_LEVERAGE, plan_of

__all__ = ["CROWD_LEARNER", "CROWD_VERSION", "Crowd", "Lived", "Poster", "live"]

CROWD_LEARNER = "policy"
CROWD_VERSION = ModelVersion("policy-1.0")
MODEL_NAME = "trend"
PATHS = {
    "track": "/api/signals/track",
    "open": "/api/quick-trades/open",
    "convert": "/api/signals/{of}/convert",
    "close": "/api/quick-trades/{of}/close",
}
ID_OF = {"track": "signal_id", "open": "trade_id", "convert": "trade_id", "close": "entry_id"}


class Poster(Protocol):
    """Whatever takes requests to a service."""

    async def post(self, path: str, body: Mapping[str, Any], token: str, key: str) -> Answer:
        """Status and JSON of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Who acts, and on what. tokens: of each user. set_clock: what the service takes for the time of day."""

    seed: int
    users: Sequence[CrowdUser]
    tokens: Mapping[UUID, str]
    market: CrowdMarket
    ledger: Ledger
    set_clock: Callable[[datetime], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What happened. n_by_kind: requests by kind. n_open: trades that were still open at the end."""

    n_by_kind: Mapping[str, int]
    n_inferences: int
    n_open: int

    @property
    def n_requests(self) -> int:
        """All of them."""
        return sum(self.n_by_kind.values())


async def live(crowd: Crowd, door: Poster, progress: Callable[[float], None]) -> Lived:
    """Live through every slot of the market, one after the other; in a slot all users act at once.

    RefusalError where the service does not take a request: users ask for nothing that it may refuse.
    """
    n_by_kind: Counter[str] = Counter()
    standing: list[Call | None] = []
    n_inferences = 0
    for slot in range(crowd.market.n_slots):
        at = crowd.market.at(slot)
        crowd.set_clock(at)
        made = crowd.market.new_calls(slot)
        if made is not None:
            standing = standing_calls(crowd.seed, made)
            n_inferences += len(made)
            await asyncio.to_thread(_infer, crowd, made, at)
        moments = crowd.market.moments(slot)
        asked = [(user, user.act(moments, standing)) for user in crowd.users]
        await asyncio.gather(*(_send(crowd, door, user, requests) for user, requests in asked if requests))
        n_by_kind.update(request.kind for _, requests in asked for request in requests)
        progress((slot + 1) / crowd.market.n_slots)
    n_open = sum(len(user.trader.positions) for user in crowd.users)
    return Lived(n_by_kind=dict(sorted(n_by_kind.items())), n_inferences=n_inferences, n_open=n_open)


async def _send(crowd: Crowd, door: Poster, user: CrowdUser, requests: Sequence[Request]) -> None:
    """One user's requests of a slot, one after the other."""
    for request in requests:
        path = PATHS[request.kind].format(of=user.ids.get(request.of, ""))
        status, answer = await door.post(path, request.body, crowd.tokens[user.user_id], request.name)
        if status not in (200, 201):
            raise RefusalError(
                f"the service answered {status}: {answer.get('error', answer)}",
                where=f"{path}, user {user.number} ({user.persona.name})",
                fix="begin in an empty workspace; if it was one, this is a fault of the service",
            )
        user.ids[request.name] = answer[ID_OF[request.kind]]


def _infer(crowd: Crowd, made: Sequence[Mapping[str, Any]], at: datetime) -> None:
    rows = [_inference(crowd.seed, call, at) for call in made]
    if rows:
        with crowd.ledger.transaction() as tx:
            append_inferences(tx, rows)


def _inference(seed: int, call: Mapping[str, Any], at: datetime) -> Inference:
    asked = {
        "ticker": call["ticker"],
        "at": call["at"].isoformat(),
        "price": call["price"],
        "trend": call["trend"],
        "volatility": call["volatility"],
    }
    said = {**plan_payload(plan_of(call)), "leverage": CALL_LEVERAGE}
    clean, answer = redact(asked), redact(said)  # type: ignore[arg-type]  # both are JSON
    assert isinstance(clean, dict)
    assert isinstance(answer, dict)
    inference_id = UUID(call_id(seed, call))
    return Inference(
        inference_id=inference_id,
        trace_id=f"m/{inference_id}",
        model_version=CROWD_VERSION,
        learner=CROWD_LEARNER,
        prompt_hash=str(identity("prompt", canonical_json(clean))),
        prompt_payload=clean,
        response_payload=answer,
        created_at=at,
        model_name=MODEL_NAME,
    )
