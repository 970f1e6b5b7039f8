"""One simulated user: what it decides in a quarter of an hour, as the requests that say so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import numpy as np

from pawl.ledger.identity import identity
from pawl.policy.crowd import (
    Call,
    Moment,
    Order,
    Position,
    Track,
    Tracked,
    Trader,
    conversion_of,
    exit_of,
    order_of,
    revenge_of,
)
from pawl.policy.personas import Persona, persona_of

__all__ = ["CrowdUser", "Request", "new_user", "user_id_of"]

CAPITAL = 10_000.0
FEE = 0.0004  # of the notional, each way
LEAST_SIZE_PCT, MOST_SIZE_PCT = 2.0, 3.6
HORIZON_SEC = 24 * 3600
PERSONAL_EVERY = 7  # in how many requests a user writes its address where it has no business


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. kind: track, open, convert or close. name: what the user calls the signal or trade that it makes.
    of: the signal or trade it is about; empty where it makes one.
    """

    kind: str
    name: str
    body: dict[str, Any]
    of: str = ""


@dataclass(slots=True)
class CrowdUser:
    """number: in the crowd. ids: what the service calls each signal and trade, by the user's own name for it."""

    number: int
    user_id: UUID
    rng: np.random.Generator
    trader: Trader
    ids: dict[str, str] = field(default_factory=dict)
    n_requests: int = 0

    @property
    def persona(self) -> Persona:
        """Who it is."""
        return self.trader.persona

    def act(self, seen: Mapping[str, Moment], calls: Sequence[Call | None]) -> list[Request]:
        """What it asks for in this slot, in order. seen: by ticker. calls: in the order of the tickers in `seen`."""
        lost_before = self.trader.lost
        requests = self._exits(seen)
        requests += self._conversions(seen)
        if lost_before is not None:
            answer = revenge_of(self.trader, seen[lost_before.ticker], self.rng)
            self.trader = replace(self.trader, lost=None)
            if answer is not None:
                return [*requests, self._opened(answer)]
        found = order_of(self.trader, tuple(seen.values()), calls, self.rng)
        if isinstance(found, Track):
            requests.append(self._tracked(found, seen[found.ticker]))
        elif isinstance(found, Order):
            requests.append(self._opened(found))
        return requests

    def _exits(self, seen: Mapping[str, Moment]) -> list[Request]:
        if not self.trader.positions:
            return []
        requests, kept = [], []
        for position in self.trader.positions:
            moment = seen[position.ticker]
            known, exit_ = exit_of(self.trader, position, moment, self.rng)
            if exit_ is None:
                kept.append(known)
                continue
            size = CAPITAL * position.size_pct / 100
            body = {"exit_price": exit_.price, "fees": 2 * FEE * size}
            requests.append(self._request("close", body, of=position.name))
            gain = position.side.sign * (exit_.price / position.entry_price - 1) - 2 * FEE
            self.trader = replace(self.trader, closed_at=moment.at, lost=position if gain < 0 else self.trader.lost)
        self.trader = replace(self.trader, positions=tuple(kept))
        return requests

    def _conversions(self, seen: Mapping[str, Moment]) -> list[Request]:
        if not self.trader.tracked:
            return []
        requests, waiting = [], []
        for tracked in self.trader.tracked:
            order, is_waiting = conversion_of(self.trader, tracked, seen[tracked.ticker], self.rng)
            if order is not None:
                request = self._request("convert", {"side": order.side.value, **_trade(order)}, of=tracked.name)
                self._hold(order, request.name)
                requests.append(request)
            elif is_waiting:
                waiting.append(tracked)
        self.trader = replace(self.trader, tracked=tuple(waiting))
        return requests

    def _tracked(self, track: Track, moment: Moment) -> Request:
        call = track.call
        body = {
            "ticker": track.ticker,
            "direction": call.direction.value,
            "sl_bps": call.sl_bps,
            "tp_bps": [call.tp_bps],
            "entry": moment.price,
            "decision_price": moment.price,
            "horizon_sec": HORIZON_SEC,
            "inference_id": call.inference_id,
            "rationale": self._rationale(),
        }
        request = self._request("track", body)
        signal = Tracked(name=request.name, ticker=track.ticker, call=call, at=moment.at)
        self.trader = replace(self.trader, tracked=(*self.trader.tracked, signal))
        return request

    def _opened(self, order: Order) -> Request:
        body: dict[str, Any] = {
            "ticker": order.ticker,
            "side": order.side.value,
            "decision_price": order.price,
            "horizon_sec": HORIZON_SEC,
            **_trade(order),
        }
        if order.call is not None:
            body["inference_id"] = order.call.inference_id
            body["recommendation"] = {"direction": order.call.direction.value, "rationale": self._rationale()}
        request = self._request("open", body)
        self._hold(order, request.name)
        return request

    def _hold(self, order: Order, name: str) -> None:
        position = Position(
            name=name,
            ticker=order.ticker,
            side=order.side,
            size_pct=order.size_pct,
            leverage=order.leverage,
            entry_price=order.price,
            stop_price=order.stop_price,
            target_price=order.target_price,
            stop_reach=order.stop_reach,
            opened_at=order.at,
        )
        self.trader = replace(self.trader, positions=(*self.trader.positions, position))

    def _request(self, kind: str, body: dict[str, Any], of: str = "") -> Request:
        self.n_requests += 1
        if self.n_requests == 1:
            body = {**body, "wallet": self.wallet, "email": self.email}
        return Request(kind=kind, name=f"{kind}-{self.n_requests}", body=body, of=of)

    @property
    def wallet(self) -> str:
        """Its address on a chain: 0x and 40 hex digits."""
        return "0x" + identity("wallet", self.user_id).hex + "5eed5eed"

    @property
    def email(self) -> str:
        """Its e-mail address."""
        return f"user{self.number}@crowd.example"

    def _rationale(self) -> str:
        said = f"the trend holds, {self.persona.name} {self.number}"
        if self.n_requests % PERSONAL_EVERY == 0:
            said += f"; pay me at {self.wallet} or write to {self.email}"
        return said


def user_id_of(seed: int, number: int) -> UUID:
    """The pseudonym of a user of a crowd."""
    return identity("user", "crowd", seed, number)


def new_user(seed: int, number: int) -> CrowdUser:
    """A user before its first day; everything it will do follows from seed, number and what it sees."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, number])))
    persona = persona_of(number)
    trader = Trader(
        persona=persona,
        size_pct=float(rng.uniform(LEAST_SIZE_PCT, MOST_SIZE_PCT)),
        leverage=round(float(rng.uniform(*persona.leverage)), 1),
    )
    return CrowdUser(number=number, user_id=user_id_of(seed, number), rng=rng, trader=trader)


def _trade(order: Order) -> dict[str, Any]:
    return {
        "size": CAPITAL * order.size_pct / 100,
        "size_pct": order.size_pct,
        "leverage": order.leverage,
        "entry_price": order.price,
        "stop_price": order.stop_price,
        "target_price": order.target_price,
    }
