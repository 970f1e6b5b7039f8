"""From the ledger over the relay to a group, on a real Redis that is killed or stays away: nothing is lost."""

import logging
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger_world import START, address, day
from loop_events import bars, event, training
from pawl.events.bus import Event
from pawl.events.redis_bus import RedisBus
from pawl.events.relay import Relay
from pawl.ledger.database import Ledger
from pawl.ledger.loop_outbox import announce, unpublished
from pawl.ledger.loop_payloads import LoopPayload
from redis_server import RedisServer
from redis_world import Corner, until

TOPICS = ["new_market_data", "training_completed"]
RELAY = """
import sys, os, signal
from pydantic import SecretStr
from pawl.events.event_settings import EventSettings
from pawl.events.redis_bus import RedisBus
from pawl.events.relay import Relay
from pawl.ledger.database import Ledger
from ledger_world import day
url, settings, ledger, dies = sys.argv[1:5]
settings = EventSettings.model_validate_json(settings)
bus = RedisBus(SecretStr(url), settings, "dying", lambda parked: None)
if dies == "before it marks":
    bus.settled = lambda ids: os.kill(os.getpid(), signal.SIGKILL) if ids else set()
Relay(Ledger(ledger), bus, settings, lambda: day(1)).step()
"""


def tell(ledger: Ledger, *payloads: LoopPayload) -> None:
    with ledger.transaction() as tx:
        for one in payloads:
            announce(tx, one, START)


def n_waiting(ledger: Ledger) -> int:
    with ledger.reading() as tx:
        return len(unpublished(tx, 100_000))


@contextmanager
def living(ledger: Ledger, corner: Corner, seen: list[Event]) -> Iterator[tuple[Relay, RedisBus]]:
    """A relay and a group that keeps what it is given."""
    with corner.bus() as bus:
        bus.subscribe(TOPICS, "group", seen.append)
        with Relay(ledger, bus, corner.settings, lambda: day(1)) as relay:
            yield relay, bus


@pytest.fixture
def mine(own_redis: RedisServer) -> Corner:
    """On a server of one's own."""
    return Corner(own_redis.url, "pawl:", poll_sec=0.05)


def test_rev_r4_what_is_committed_reaches_a_group_and_what_is_rolled_back_does_not(
    ledger: Ledger, corner: Corner
) -> None:
    seen: list[Event] = []
    with living(ledger, corner, seen) as (relay, _):
        with pytest.raises(RuntimeError), ledger.transaction() as tx:
            announce(tx, bars(1), START)
            relay.wake()
            raise RuntimeError
        tell(ledger, bars(2), bars(3))
        relay.wake()
        until(lambda: len(seen) == 2)
    assert seen == [event(bars(2)), event(bars(3))]


def test_rev_r46_a_training_that_is_announced_again_reaches_a_group_once(ledger: Ledger, corner: Corner) -> None:
    seen: list[Event] = []
    with living(ledger, corner, seen) as (relay, _):
        for _ in range(3):
            tell(ledger, training(1))
            relay.wake()
            until(lambda: n_waiting(ledger) == 0)
        tell(ledger, training(2))
        relay.wake()
        until(lambda: event(training(2)) in seen)
    assert seen == [event(training(1)), event(training(2))]
    assert [(one.payload["model_version"], one.payload["status"]) for one in seen] == [("v3.3", "succeeded")] * 2


def test_a_relay_that_is_killed_before_it_marks_publishes_again_and_the_group_deals_with_it_once(
    ledger: Ledger, corner: Corner, tmp_path: Path
) -> None:
    tell(ledger, *(bars(number) for number in range(5)))
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n{RELAY}"
    arguments = (corner.url.get_secret_value(), corner.settings.model_dump_json(), address(ledger), "before it marks")
    died = subprocess.run([sys.executable, "-c", code, *arguments], cwd=tmp_path, check=False)
    assert died.returncode == -9
    assert n_waiting(ledger) == 5
    seen: list[Event] = []
    with living(ledger, corner, seen) as (_, bus):
        until(lambda: n_waiting(ledger) == 0)
        stream = f"{corner.settings.prefix}new_market_data"
        until(lambda: bus._client.xinfo_groups(stream)[0]["lag"] == 0)
        assert bus._client.xlen(stream) == 10
        until(lambda: bus._client.xpending(stream, "group")["pending"] == 0)
    assert seen == [event(bars(number)) for number in range(5)]


@pytest.mark.parametrize("n_kills", [3])
def test_redis_is_killed_and_comes_back_again_and_again_and_nothing_is_lost(
    postgresql_ledger: Ledger, own_redis: RedisServer, mine: Corner, n_kills: int
) -> None:
    seen: list[Event] = []
    number = 0
    is_over = threading.Event()

    def announce_on() -> None:
        nonlocal number
        while not is_over.is_set():
            tell(postgresql_ledger, bars(number))
            number += 1
            time.sleep(0.003)

    with living(postgresql_ledger, mine, seen):
        announcer = threading.Thread(target=announce_on)
        announcer.start()
        for _ in range(n_kills):
            n_seen = len(seen)
            until(lambda n_seen=n_seen: len(seen) > n_seen + 20)  # type: ignore[misc]
            own_redis.stop()
            time.sleep(0.3)
            own_redis.start()
        is_over.set()
        announcer.join()
        until(lambda: n_waiting(postgresql_ledger) == 0)
        until(lambda: len({one.event_id for one in seen}) >= number)  # some come twice
    times = Counter(one.event_id for one in seen)
    assert set(times) == {bars(each).event_id for each in range(number)}
    assert max(times.values()) <= 1 + n_kills  # what was dealt with, and Redis died before it had written so


def test_what_redis_answered_for_and_had_not_written_when_it_was_killed_is_published_again(
    ledger: Ledger, redis_on_a_slow_disk: RedisServer
) -> None:
    mine = Corner(redis_on_a_slow_disk.url, "pawl:")
    number = 0
    with mine.bus() as bus:
        relay = Relay(ledger, bus, mine.settings, lambda: day(1))

        def is_lost() -> bool:
            nonlocal number
            tell(ledger, bars(number))
            number += 1
            relay.step()
            if n_waiting(ledger) == 0:
                return False
            redis_on_a_slow_disk.stop()
            redis_on_a_slow_disk.start()
            kept = bus._client.xrange("pawl:new_market_data")
            return str(bars(number - 1).event_id) not in {fields["event_id"] for _, fields in kept}

        until(is_lost)
        until(lambda: bool(relay.step()) and n_waiting(ledger) == 0)
        seen: list[Event] = []
        bus.subscribe(TOPICS, "group", seen.append)
        until(lambda: len(seen) == number)
    assert seen == [event(bars(each)) for each in range(number)]


@dataclass(frozen=True)
class Absence:
    """How Redis goes, how it comes back, and how long it is away."""

    begin: Callable[[], None]
    end: Callable[[], None]
    for_sec: float


def away(ledger: Ledger, corner: Corner, absence: Absence, caplog: pytest.LogCaptureFixture) -> None:
    """Announce all the while Redis is away, and look what arrives, in which order, and whether the loop waited."""
    seen: list[Event] = []
    with caplog.at_level(logging.DEBUG), living(ledger, corner, seen) as (relay, _):
        tell(ledger, bars(0))
        until(lambda: len(seen) == 1)
        until(lambda: n_waiting(ledger) == 0)
        absence.begin()
        number, until_at = 1, time.monotonic() + absence.for_sec
        while time.monotonic() < until_at:
            began = time.monotonic()
            tell(ledger, bars(number))
            relay.wake()
            assert time.monotonic() - began < 3, "the loop waited for the bus"
            number += 1
            time.sleep(0.05)
        assert len(seen) == 1
        assert relay.failure is not None
        assert n_waiting(ledger) == number - 1
        absence.end()
        until(lambda: len(seen) >= number)
        until(lambda: n_waiting(ledger) == 0)
        until(lambda: relay.failure is None)
    assert list(dict.fromkeys(one.event_id for one in seen)) == [bars(each).event_id for each in range(number)]
    password = corner.url.get_secret_value().split(":")[2].split("@")[0]
    assert password not in caplog.text


def test_while_redis_is_away_for_some_seconds_everything_waits_and_arrives_in_order(
    ledger: Ledger, own_redis: RedisServer, mine: Corner, caplog: pytest.LogCaptureFixture
) -> None:
    away(ledger, mine, Absence(own_redis.stop, own_redis.start, 3.0), caplog)


def test_while_redis_hangs_everything_waits_and_arrives_in_order(
    ledger: Ledger,
    own_redis: RedisServer,
    mine: Corner,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pawl.events.redis_bus.ANSWER_SEC", 0.8)
    away(ledger, mine, Absence(own_redis.pause, own_redis.resume, 3.0), caplog)


@pytest.mark.soak
def test_while_redis_is_away_for_a_full_minute_everything_waits_and_arrives_in_order(
    ledger: Ledger, own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """At the settings that Pawl starts with."""
    started_with = Corner(own_redis.url, "pawl:", backoff_base_sec=0.5, backoff_max_sec=10.0, max_attempts=5)
    away(ledger, started_with, Absence(own_redis.stop, own_redis.start, 60.0), caplog)
