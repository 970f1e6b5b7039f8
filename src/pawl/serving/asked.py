"""A request as the write paths see it: who, when, and by which key it is known again."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from pawl.ledger.column_types import canonical_json
from pawl.ledger.redaction import Json, redact
from pawl.serving.bodies import ActionBody
from pawl.serving.rationale import rationale_hash

__all__ = ["Asked", "request_hash"]

PERSONAL = frozenset({"wallet", "email"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """key: the idempotency key within its path, so that one key means one thing on each. at: when it was done, UTC."""

    user_id: UUID
    key: str
    request_hash: str
    at: datetime


def request_hash(body: ActionBody) -> str:
    """SHA-256 of what was asked, after redaction; of a person's data nothing is in it, and of a rationale its hash."""
    asked: dict[str, Any] = body.model_dump(mode="json", exclude=set(PERSONAL), exclude_defaults=True)
    for part in (asked, asked.get("recommendation")):
        if isinstance(part, dict) and part.get("rationale") is not None:
            part["rationale"] = rationale_hash(part["rationale"])
    return hashlib.sha256(canonical_json(redact(cast(Json, asked))).encode()).hexdigest()
