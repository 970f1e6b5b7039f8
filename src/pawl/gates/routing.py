"""Which version acts for whom: by a stable hash, so that nobody flips between versions and 5 % lie inside 20 %."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from pawl.errors import InputError
from pawl.ids import ModelVersion

__all__ = ["Routing", "order_of", "place_of", "route"]

Order = TypeVar("Order")
SEPARATOR = "\x1f"
"""Stands between the parts of a key, so that ("ab", "c") and ("a", "bc") are two places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """acting: the one version whose order goes to trading. shadows: versions that decide beside it, for the record."""

    acting: ModelVersion
    shadows: tuple[ModelVersion, ...]


def place_of(salt: str, *key: str) -> float:
    """Where a key stands in [0, 1), for ever. salt: what is rolled out or tested, so that each draws other users.

    >>> place_of("m002-1.4", "user-7") == place_of("m002-1.4", "user-7") != place_of("m002-1.5", "user-7")
    True
    """
    digest = hashlib.sha256(SEPARATOR.join((salt, *key)).encode()).digest()
    # 53 bits: what a float holds exactly, so that the largest hash does not round up to 1.
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def route(
    champion: ModelVersion, candidate: ModelVersion, share: float, key: str, *, opened_by: ModelVersion | None = None
) -> Routing:
    """Who acts for a user (or position) while a candidate has a share of the traffic; the other decides in its shadow.

    share: in [0, 1]; 0 is shadow. opened_by: the version that opened the position in question, which stays with it.

    >>> route(ModelVersion("m002-1.3"), ModelVersion("m002-1.4"), 0.0, "user-7").acting
    'm002-1.3'
    """
    if not 0.0 <= share <= 1.0:
        raise InputError(f"a share of {share}", where="routing", fix="give a fraction of the traffic")
    drawn = candidate if place_of(candidate, key) < share else champion
    acting = opened_by or drawn
    shadows = tuple(version for version in (champion, candidate) if version != acting)
    return Routing(acting=acting, shadows=shadows)


def order_of(routing: Routing, orders: Mapping[ModelVersion, Order]) -> Order | None:
    """The one order that may reach trading, of those that the versions would place; what shadows want goes nowhere.

    >>> order_of(Routing(acting=ModelVersion("a"), shadows=(ModelVersion("b"),)), {ModelVersion("b"): "buy"}) is None
    True
    """
    return orders.get(routing.acting)
