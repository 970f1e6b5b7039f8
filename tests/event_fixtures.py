"""A real Redis and a Discord of this machine, for tests of whatever tells something."""

import os
import warnings
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis

from discord_server import DiscordServer, run_discord
from redis_server import NO_REDIS, URL_VARIABLE, RedisServer, redis_binary, run_redis
from redis_world import Corner
from slow_disk import slow_disk

__all__ = ["corner", "discord", "own_redis", "redis", "redis_on_a_slow_disk", "redis_url"]

NUMBERS = count()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretStr]:
    """The address of a Redis; where there is none its tests are skipped, and say so, but never in CI."""
    named = os.environ.get(URL_VARIABLE)
    if named:
        yield SecretStr(named)
        return
    with run_redis(_binary(), tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that a test may stop and start."""
    with run_redis(_binary(), tmp_path) as server:
        yield server


@pytest.fixture
def redis_on_a_slow_disk(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of a test's own, whose disk is busy for seconds after every write: Redis answers ahead of its file."""
    with run_redis(_binary(), tmp_path, slow_disk(tmp_path)) as server:
        yield server


def _binary() -> str:
    binary = redis_binary()
    if binary is None and os.environ.get("CI"):
        pytest.fail(NO_REDIS)
    if binary is None:
        pytest.skip(NO_REDIS)
    return binary


@pytest.fixture
def corner(redis_url: SecretStr) -> Iterator[Corner]:
    """A corner of the Redis for one test."""
    prefix = f"pawl-test-{os.getpid()}-{next(NUMBERS)}:"
    yield Corner(redis_url, prefix)
    with Redis.from_url(redis_url.get_secret_value(), decode_responses=True) as client:
        for key in client.scan_iter(f"{prefix}*"):
            client.delete(key)


@pytest.fixture
def redis(redis_url: SecretStr) -> Iterator[Any]:
    """A client that looks and meddles."""
    with Redis.from_url(redis_url.get_secret_value(), decode_responses=True, protocol=2) as client:
        yield client


@pytest.fixture
def discord(monkeypatch: pytest.MonkeyPatch) -> Iterator[DiscordServer]:
    """Discord on this machine: only where it is, and how long Apprise waits between messages, is not as outside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from apprise.plugins.discord import NotifyDiscord
    with run_discord() as server:
        monkeypatch.setattr(NotifyDiscord, "notify_url", server.url)
        monkeypatch.setattr(NotifyDiscord, "request_rate_per_sec", 0.0)
        monkeypatch.setattr(NotifyDiscord, "clock_skew", timedelta(0))
        yield server
