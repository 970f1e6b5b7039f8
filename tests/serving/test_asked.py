"""What tells a repeated request from another one."""

import hashlib
import json

import pytest

from pawl.serving.asked import request_hash
from pawl.serving.bodies import OpenBody, TrackBody
from serving_world import OPEN, TRACK


def _track(**changes: object) -> str:
    return request_hash(TrackBody.model_validate({**TRACK, **changes}))


@pytest.mark.parametrize(
    "changes",
    [{"confidence": 0.71}, {"direction": "short"}, {"tp_bps": [180, 181]}, {"occurred_at": "2024-03-01T12:00:00Z"},
     {"rationale": "because"}, {"horizon_sec": 60}],
)  # fmt: skip
def test_another_request_has_another_hash(changes: dict[str, object]) -> None:
    assert _track(**changes) != _track()


@pytest.mark.parametrize("changes", [{"sl_bps": 120.0}, {"horizon_sec": 86_400}, {"version": 1}, {"leverage": None}])
def test_the_same_said_otherwise_has_the_same_hash(changes: dict[str, object]) -> None:
    assert _track(**changes) == _track()


def test_a_rationale_counts_by_its_meaning_and_a_person_not_at_all() -> None:
    assert _track(rationale="Funding  is high\n") == _track(rationale="funding is high")
    assert _track(wallet="0xabc", email="ann@example.com") == _track()
    nested = {"direction": "long", "rationale": "Funding is high"}
    with_text = OpenBody.model_validate({**OPEN, "recommendation": nested})
    spaced = OpenBody.model_validate({**OPEN, "recommendation": {**nested, "rationale": "funding  is HIGH"}})
    assert request_hash(with_text) == request_hash(spaced)


def test_the_hash_is_over_the_canonical_text() -> None:
    asked = {"entry_price": 100.0, "side": "long", "size": 1000.0, "stop_price": 98.8, "ticker": "BTCUSDT"}
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"))
    assert request_hash(OpenBody.model_validate(OPEN)) == hashlib.sha256(text.encode()).hexdigest()
