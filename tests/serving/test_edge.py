"""The outermost layer: bodies are bounded, and the log holds nothing of what was sent."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from serving_world import OPEN, TRACK, World, counts


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(small_world: World) -> None:
    before = counts(small_world.ledger)
    body = json.dumps({**TRACK, "rationale": "x" * 2**20})
    answer = small_world.text("/api/signals/track", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
    read: list[int] = []

    async def pieces() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"x"

    headers = {"Content-Length": str(2**20 + 1), "Content-Type": "application/json"}
    assert small_world.ask("POST", "/api/signals/track", content=pieces(), headers=headers).status_code == 413
    assert sum(read) <= 1
    assert counts(small_world.ledger) == before


def test_a_body_that_does_not_say_how_large_it_is_is_refused_once_it_is_too_large(small_world: World) -> None:
    before = counts(small_world.ledger)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            await asyncio.sleep(0)
            yield b" " * 2**17

    headers = {"Content-Type": "application/json"}
    answer = small_world.ask("POST", "/api/signals/track", content=pieces(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
    assert counts(small_world.ledger) == before


def test_a_body_of_exactly_the_limit_is_read(small_world: World) -> None:
    body = json.dumps(OPEN)
    assert small_world.text("/api/quick-trades/open", body + " " * (2**20 - len(body))).status_code == 201
    assert small_world.text("/api/quick-trades/open", body + " " * (2**20 - len(body) + 1)).status_code == 413


@pytest.mark.parametrize("length", ["-1", "abc", "1" * 500])
def test_a_length_that_is_none_does_no_harm(small_world: World, length: str) -> None:
    headers = {"Content-Length": length, "Content-Type": "application/json"}
    answer = small_world.ask("POST", "/api/signals/track", content=b"{}", headers=headers)
    assert answer.status_code in (413, 422)


def test_the_log_has_a_line_a_request_and_nothing_of_what_was_sent(
    small_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="pawl.access")
    small_world.post("/api/quick-trades/open?secret=query", {**OPEN, "email": "ann.lee@example.com"}, key="key-secret")
    small_world.ask("GET", "/health", user=None)
    lines: list[dict[str, Any]] = [
        json.loads(record.message) for record in caplog.records if record.name == "pawl.access"
    ]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", "/api/quick-trades/open", 201),
        ("GET", "/health", 200),
    ]
    assert set(lines[0]) == {"at", "method", "route", "status", "ms"}
    assert not any(word in caplog.text for word in ("secret", "pawl_ann", "example", "BTCUSDT"))
