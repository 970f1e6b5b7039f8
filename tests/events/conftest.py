"""A Redis for the tests of this room."""

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis import Redis

from redis_server import NO_REDIS, URL_VARIABLE, RedisServer, redis_binary, run_redis
from redis_world import Corner

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
