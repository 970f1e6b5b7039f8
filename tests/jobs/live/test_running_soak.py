"""The loop under faults: whatever is killed, full, gone, late or told twice, nothing is lost and nothing is doubled."""

import json
import os
import shutil
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pawl.ledger.database import LEDGER_FILE
from postgres import postgres_binaries, run_postgres
from redis_server import RedisServer, redis_binary, run_redis
from soak_checks import sound
from soak_exchange import run_exchange
from soak_scene import Fault, Scene, disk, listening

pytest.importorskip("ccxt")

START = datetime(2018, 1, 15, tzinfo=UTC)
"""Where a run of the small learner begins: behind two weeks of history."""
SEED = 20181126
ROLES = ("collector", "signals", "positions", "worker", "api")


def told(name: str, scene: Scene, counts: dict[str, Any], began: float, **more: Any) -> None:
    """The figures of a soak, for whoever runs it with -s."""
    figures = {
        "soak": name,
        "seconds": round(time.monotonic() - began),
        "faults": scene.injected,
        "exchange": dict(scene.exchange.injected),
        "disk of its own": scene.disk.is_own,
        **counts,
        **more,
    }
    print(json.dumps(figures, indent=1, default=str))


def missing(what: str) -> None:
    """Skip, and say so; but never in CI."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


def settled(received: list[Any]) -> list[Any]:
    """What the consumer got, once nothing more comes."""
    n_seen, since = len(received), time.monotonic()
    while time.monotonic() - since < 2:
        time.sleep(0.1)
        if len(received) > n_seen:
            n_seen, since = len(received), time.monotonic()
    return received


def one_process(tmp_path: Path, hours: int, plan: Callable[[Scene], list[Fault]]) -> Scene:
    """SQLite, Redis and one process on the clock that waits for all work; then everything is checked."""
    binary = redis_binary()
    if binary is None:
        missing("NO REDIS: the loop was not soaked. apt-get install redis-server")
    assert binary is not None
    began = time.monotonic()
    (tmp_path / "redis").mkdir()
    with ExitStack() as stack:
        exchange = stack.enter_context(run_exchange(SEED, START + timedelta(hours=hours)))
        redis: RedisServer = stack.enter_context(run_redis(binary, tmp_path / "redis"))
        full = stack.enter_context(disk(tmp_path / "home"))
        received = stack.enter_context(listening(redis))
        scene = Scene(full, exchange, redis, ("--speed", "max", "--for", f"{hours}h"))
        stack.callback(scene.stop)
        scene.start("all")
        scene.play(START, plan(scene), hours)
        shutil.copy(scene.home / LEDGER_FILE, tmp_path)  # the disk goes; who looks into a failure finds it here
        ledger = scene.ledger()
        stack.callback(ledger.close)
        counts = sound(ledger, exchange, settled(received))
        told("one process", scene, counts, began, rss=_memory(scene))
    return scene


def _memory(scene: Scene) -> dict[str, float]:
    """Median and peak of the resident memory, MB, by quarter of the run."""
    last = scene.rss[-1][0]
    quarters = [[mb for hour, mb in scene.rss if last * n / 4 < hour <= last * (n + 1) / 4] for n in range(4)]
    return {
        f"{name} of quarter {n + 1}": round(how(values), 1)
        for n, values in enumerate(quarters)
        if values
        for name, how in (("median", statistics.median), ("peak", max))
    }


def answers_badly(scene: Scene, hour: float = 0.5) -> Fault:
    """From here on the exchange misbehaves."""

    def begin() -> None:
        scene.exchange.is_faulty = True

    return Fault(hour, "an exchange that misbehaves", begin)


def kill(scene: Scene, role: str, hour: float) -> Fault:
    """kill -9."""
    return Fault(hour, f"kill -9 of {role}", lambda: scene.kill(role))


def disk_full(scene: Scene, hour: float) -> Fault:
    """Three real seconds without a byte."""
    return Fault(
        hour, "disk full", lambda: scene.disk.fill(scene.pids()), lambda: scene.disk.free(scene.pids()), after_sec=3
    )


def redis_gone(scene: Scene, hour: float) -> Fault:
    """Three real seconds without Redis."""
    return Fault(hour, "Redis gone", scene.redis.stop, scene.redis.start, after_sec=3)


def test_a_few_hours_of_faults_lose_and_double_nothing(tmp_path: Path) -> None:
    """A sample of the soak, in one process: killed, its disk full, an exchange that answers badly."""
    one_process(
        tmp_path,
        13,
        lambda scene: [answers_badly(scene), kill(scene, "all", 2), disk_full(scene, 5), redis_gone(scene, 8)],
    )


@pytest.mark.soak
def test_three_days_of_faults_in_one_process_keep_its_memory_flat(tmp_path: Path) -> None:
    """Killed in the first day; then the same process for two days and more, with everything else going wrong."""

    def plan(scene: Scene) -> list[Fault]:
        beside = [fault(scene, hour) for hour in range(14, 70, 8) for fault in (disk_full, redis_gone)]
        return [answers_badly(scene), kill(scene, "all", 3), kill(scene, "all", 7), kill(scene, "all", 11), *beside]

    scene = one_process(tmp_path, 72, plan)
    memory = _memory(scene)
    assert memory["median of quarter 4"] <= 1.05 * memory["median of quarter 2"], memory


@pytest.mark.soak
def test_three_days_of_faults_over_roles_lose_and_double_nothing(tmp_path: Path) -> None:
    """PostgreSQL, Redis and a process for each role, at 900 times real time: each is killed, and what they stand on."""
    binaries, binary = postgres_binaries(), redis_binary()
    if binaries is None or binary is None:
        missing("NO POSTGRESQL OR REDIS: the roles were not soaked. apt-get install postgresql redis-server")
    assert binaries is not None and binary is not None
    began, hours = time.monotonic(), 72
    (tmp_path / "redis").mkdir()
    with ExitStack() as stack:
        postgres = stack.enter_context(run_postgres(binaries, {"synchronous_commit": "on"}))
        exchange = stack.enter_context(run_exchange(SEED, START + timedelta(hours=hours)))
        redis = stack.enter_context(run_redis(binary, tmp_path / "redis"))
        full = stack.enter_context(disk(tmp_path / "home"))
        received = stack.enter_context(listening(redis))
        url = postgres.url.render_as_string(hide_password=False)
        scene = Scene(full, exchange, redis, ("--speed", "900", "--for", f"{hours}h"), url=url, gap_sec=5)
        stack.callback(scene.stop)
        scene.start("collector")
        prepared = time.monotonic()
        while not scene.said("collector", "err").read_text().count('"cycle"'):
            assert time.monotonic() - prepared < 120 and scene.pids()
            time.sleep(0.1)
        for role in ROLES[1:]:
            scene.start(role)
        plan = [
            answers_badly(scene, 1),
            *(kill(scene, role, 8 + 4 * place) for place, role in enumerate(ROLES)),
            Fault(30, "database restarted", postgres.stop, postgres.start, after_sec=2),
            redis_gone(scene, 36),
            disk_full(scene, 41),
            Fault(46, "clock 8 s ahead", lambda: scene.turn_clock(8.0)),
            Fault(52, "clock 8 s back", lambda: scene.turn_clock(0.0)),
            *(kill(scene, role, 57 + place) for place, role in enumerate(ROLES)),
        ]
        scene.play(START, plan, hours)
        ledger = scene.ledger()
        stack.callback(ledger.close)
        counts = sound(ledger, exchange, settled(received))
        told("roles", scene, counts, began)
