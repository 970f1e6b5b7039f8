"""What a model recommended, as its inference on record says; a client's word comes second."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import NotFoundError
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import inference_logs
from pawl.ledger.identity import SYSTEM_USER

__all__ = ["InferredPlan", "InferredPlans", "plan_in"]

Direction = Literal["long", "short", "flat"]

DIRECTIONS: dict[str, Direction] = {"long": "long", "short": "short", "flat": "flat", "neutral": "flat"}
MAX_REMEMBERED = 10_000
MAX_BPS = 1e6
MAX_LEVELS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class InferredPlan:
    """What stands in a response; None where it says nothing usable."""

    learner: str
    model_version: str
    direction: Direction | None = None
    confidence: float | None = None
    sl_bps: float | None = None
    tp_bps: tuple[float, ...] = ()
    max_position_pct: float | None = None
    leverage: float | None = None


def plan_in(response: Mapping[str, Any], learner: str, model_version: str) -> InferredPlan:
    """The plan in a response, in the form of `policy/plan.py`, flat, or of a live loop; what is not usable is left out.

    >>> plan_in({"direction": "neutral", "risk_plan": {"sl_bps": 120}}, "policy", "policy-1.0").sl_bps
    120.0
    >>> of_a_loop = {"said": {"share": 0.6}, "decision": {"action": "short", "probability": 0.6}}
    >>> plan = plan_in(of_a_loop, "m002", "m002-1.0")
    >>> plan.direction, plan.confidence
    ('short', 0.6)
    """
    risk = response.get("risk_plan")
    said = {**_of_a_loop(response), **response, **(risk if isinstance(risk, Mapping) else {})}
    direction = said.get("direction", said.get("action"))
    levels = said.get("tp_plan", said.get("tp_bps"))
    found = [_level(each) for each in levels[:MAX_LEVELS]] if isinstance(levels, list | tuple) else []
    return InferredPlan(
        learner=learner,
        model_version=model_version,
        direction=DIRECTIONS.get(direction) if isinstance(direction, str) else None,
        confidence=_number(said.get("confidence"), 1.0),
        sl_bps=_number(said.get("sl_bps"), MAX_BPS),
        tp_bps=tuple(each for each in found if each),
        max_position_pct=_number(said.get("max_position_pct"), 100.0),
        leverage=_number(said.get("leverage"), 1000.0) or None,
    )


class InferredPlans:
    """The plans of a ledger's inferences. An inference never changes, so one that was read is remembered."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._known: dict[UUID, tuple[UUID, InferredPlan]] = {}

    def known(self, inference_id: UUID, user_id: UUID) -> InferredPlan | None:
        """What is remembered already, without asking the ledger."""
        owner, plan = self._known.get(inference_id, (None, None))
        return plan if owner in (user_id, SYSTEM_USER) else None

    def of(self, inference_id: UUID, user_id: UUID) -> InferredPlan:
        """The plan of a user's inference, or of Pawl's own. NotFoundError for an unknown one and for another user's."""
        if inference_id not in self._known:
            self._read(inference_id)
        plan = self.known(inference_id, user_id)
        if plan is None:
            raise NotFoundError(
                "no such inference", where="inference_id", fix="name one that was made for you, or leave it out"
            )
        return plan

    def _read(self, inference_id: UUID) -> None:
        c = inference_logs.c
        wanted = sa.select(c.user_id, c.response_payload, c.learner, c.model_version)
        with self.ledger.reading() as tx:
            row = tx.execute(wanted.where(c.inference_id == inference_id)).one_or_none()
        if row is None:
            return
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        response = row.response_payload if isinstance(row.response_payload, Mapping) else {}
        self._known[inference_id] = (row.user_id, plan_in(response, row.learner, row.model_version))


def _of_a_loop(response: Mapping[str, Any]) -> dict[str, Any]:
    """What the response of a live loop says flatly: it keeps what was predicted apart from what was decided."""
    decision, predicted = response.get("decision"), response.get("said")
    if not isinstance(decision, Mapping):
        return {}
    confidence = decision.get("probability")
    if isinstance(predicted, Mapping) and "signal" in predicted:  # in the words of its own, with its own confidence
        confidence = predicted.get("confidence", confidence)
    return {"action": decision.get("action"), "confidence": confidence}


def _number(value: object, most: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) and 0 <= value <= most else None


def _level(value: object) -> float | None:
    return _number(value.get("tp_bps") if isinstance(value, Mapping) else value, MAX_BPS)
