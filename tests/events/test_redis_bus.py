"""The bus on a real Redis: every group gets every event; streams are trimmed; the plain channels on request."""

import json
import logging
import shutil
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from loop_events import alert, alias_move, bars, event, outcome, prediction, report, training
from pawl.errors import InputError, StorageError
from pawl.events.bus import Event
from pawl.events.event_settings import EventSettings
from pawl.events.redis_bus import RedisBus
from pawl.events.redis_journal import read_journal
from pawl.ledger.loop_tables import TOPICS
from redis_server import RedisServer
from redis_world import Corner, noted, until


def test_every_group_gets_every_event_of_its_topics_in_the_order_of_each_topic(corner: Corner) -> None:
    told = [event(one) for number in range(40) for one in (bars(number), prediction(number), outcome(number))]
    first: list[Event] = []
    second: list[Event] = []
    with corner.bus() as bus:
        bus.subscribe(["new_market_data", "signal_outcome"], "first", first.append)
        bus.subscribe(["new_prediction"], "second", second.append)
        bus.publish(told[:50])
        bus.publish(told[50:])
        until(lambda: bus.settled([one.event_id for one in told]) == {one.event_id for one in told})
        until(lambda: len(first) == 80 and len(second) == 40)
    for topic, seen in (("new_market_data", first), ("signal_outcome", first), ("new_prediction", second)):
        assert [one for one in seen if one.topic == topic] == [one for one in told if one.topic == topic]


def test_processes_of_a_group_share_its_events(corner: Corner) -> None:
    told = [event(bars(number)) for number in range(60)]
    one: list[Event] = []
    two: list[Event] = []

    def slowly(seen: list[Event], each: Event) -> None:
        time.sleep(0.002)
        seen.append(each)

    with corner.bus("one") as first, corner.bus("two") as second:
        first.subscribe(["new_market_data"], "group", lambda each: slowly(one, each))
        second.subscribe(["new_market_data"], "group", lambda each: slowly(two, each))
        for start in range(0, 60, 10):
            first.publish(told[start : start + 10])
            time.sleep(0.01)
        until(lambda: len(one) + len(two) == 60)
    assert sorted(str(each.event_id) for each in one + two) == sorted(str(each.event_id) for each in told)
    assert one
    assert two


def test_a_group_has_one_handler_in_a_process(corner: Corner) -> None:
    """A second one, of the same consumer, would begin with what the first has at hand."""
    with corner.bus() as bus:
        bus.subscribe(["new_market_data"], "group", lambda _: None)
        with pytest.raises(InputError, match="`group` listens already"):
            bus.subscribe(["new_market_data"], "group", lambda _: None)
        bus.subscribe(["new_market_data"], "other", lambda _: None)


def test_a_group_that_comes_later_gets_what_the_streams_hold(corner: Corner) -> None:
    seen: list[Event] = []
    with corner.bus() as bus:
        bus.publish([event(bars(1)), event(bars(2))])
        bus.subscribe(["new_market_data"], "late", seen.append)
        until(lambda: len(seen) == 2)


def test_a_group_deals_once_with_an_event_that_is_published_twice_whoever_reads_it(corner: Corner, redis: Any) -> None:
    seen: list[Event] = []
    for consumer in ("one", "two"):
        with corner.bus(consumer) as bus:
            bus.publish([event(bars(1)), event(bars(1))])
            bus.subscribe(["new_market_data"], "group", seen.append)
            bus.publish([event(prediction(1)), event(bars(1))])
            until(partial(is_all_read, redis, corner))
    assert seen == [event(bars(1))]


def is_all_read(redis: Any, corner: Corner) -> bool:
    """Whether the group has read and acknowledged all that its stream holds."""
    groups = redis.xinfo_groups(f"{corner.settings.prefix}new_market_data")
    return bool(groups) and groups[0]["lag"] == 0 and groups[0]["pending"] == 0


def test_a_stream_is_trimmed_to_about_what_it_may_keep(corner: Corner, redis: Any) -> None:
    with corner.bus(max_len=500) as bus:
        for start in range(0, 3000, 100):
            bus.publish([event(bars(number)) for number in range(start, start + 100)])
    kept = redis.xrange(f"{corner.settings.prefix}new_market_data")
    assert 500 <= len(kept) < 1000
    assert [fields["event_id"] for _, fields in kept] == [
        str(bars(number).event_id) for number in range(3000 - len(kept), 3000)
    ]


def test_the_plain_channels_of_the_spec_carry_every_event_on_request(corner: Corner, redis: Any) -> None:
    told = [event(one) for one in (bars(1), prediction(1), outcome(1), training(1), alert(1), report(1), alias_move(1))]
    with redis.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(*TOPICS)
        until(lambda: listener.get_message() is None and len(listener.channels) == len(TOPICS))
        with corner.bus() as silent:
            silent.publish([event(bars(9))])
        with corner.bus(is_on_channels=True) as bus:
            bus.publish(told)
        heard: list[dict[str, Any]] = []
        until(lambda: len(heard) == len(told) or bool(heard.append(one) if (one := listener.get_message()) else None))
    assert [one["channel"] for one in heard] == list(TOPICS)
    for one, known in zip(heard, told, strict=True):
        said = json.loads(one["data"])
        assert said == {
            "event_id": str(known.event_id), "topic": known.topic, "at": "2024-01-01T00:00:00.000000Z",
            "trace_id": None, "payload": known.payload,
        }  # fmt: skip


def test_a_redis_that_is_away_is_named_without_its_password(caplog: pytest.LogCaptureFixture) -> None:
    url = SecretStr("redis://user:very-secret@127.0.0.1:1/0")
    asked: list[int] = []
    with caplog.at_level(logging.DEBUG), RedisBus(url, noted(asked), "one", lambda _: None) as bus:
        bus.subscribe(["new_market_data"], "group", lambda _: None)
        with pytest.raises(StorageError, match=r"Redis at 127\.0\.0\.1:1") as caught:
            bus.publish([event(bars(1))])
        until(lambda: "group at Redis failed" in caplog.text)
        until(lambda: asked[:3] == [1, 2, 3])  # it waits longer each time
    assert "very-secret" not in caplog.text + str(caught.value) + repr(bus.__dict__)


def test_a_wrong_password_is_not_repeated(own_redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    url = SecretStr(f"redis://:very-secret@127.0.0.1:{own_redis.port}/0")
    with caplog.at_level(logging.DEBUG), RedisBus(url, EventSettings(), "one", lambda _: None) as bus:
        with pytest.raises(StorageError, match="invalid username-password") as caught:
            bus.publish([event(bars(1))])
    assert "very-secret" not in caplog.text + str(caught.value)


@pytest.mark.parametrize("url", ["http://:very-secret@here", "redis://:very-secret@here:port/0"])
def test_an_address_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(InputError, match="PAWL_REDIS_URL is no address") as caught:
        RedisBus(SecretStr(url), EventSettings(), "one", lambda _: None)
    assert "very-secret" not in str(caught.value)
    assert caught.value.__suppress_context__  # its own error quotes the address


@pytest.mark.parametrize(("kept", "n_warnings"), [("no", 1), ("yes", 0)])
def test_a_redis_that_keeps_nothing_on_disk_is_warned_of_once(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture, kept: str, n_warnings: int
) -> None:
    corner = Corner(own_redis.url, "pawl:")
    with corner.bus() as bus:
        bus._client.config_set("appendonly", kept)
        for number in range(3):
            bus.publish([event(bars(number))])
    assert caplog.text.count("set `appendonly yes`") == n_warnings


def test_what_a_redis_lost_stands_before_what_is_told_to_its_next_life(own_redis: RedisServer, tmp_path: Path) -> None:
    """Also when nobody has asked in between what is settled."""
    told = [event(bars(number)) for number in range(3)]
    seen: list[Event] = []
    with Corner(own_redis.url, "pawl:").bus() as bus:
        bus.publish(told[:2])
        own_redis.stop()
        shutil.rmtree(tmp_path / "appendonlydir")  # as if nothing had been written
        own_redis.start()
        bus.publish(told[2:])
        assert list(bus._open.values()) == told  # for it may be killed again
        bus.subscribe(["new_market_data"], "group", seen.append)
        until(lambda: len(seen) == 3)
        assert seen == told


def test_what_is_published_while_another_thread_looks_is_not_taken_for_written(
    own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [event(bars(number)) for number in range(2)]
    with Corner(own_redis.url, "pawl:").bus() as bus:
        bus.publish(told[:1])
        other = threading.Thread(target=bus.publish, args=(told[1:],))

        def look(client: Any) -> Any:
            journal = read_journal(client)
            if other.ident is None:
                other.start()
                other.join(0.2)
            return replace(journal, is_written=True) if journal else None

        monkeypatch.setattr("pawl.events.redis_bus.read_journal", look)
        assert bus.settled([told[0].event_id]) == {told[0].event_id}
        other.join()
        assert set(bus._open) == {told[1].event_id}


def test_closing_ends_soon_though_a_handler_waits_for_its_next_try(corner: Corner) -> None:
    tried = threading.Event()
    tries: list[Event] = []

    def fail(one: Event) -> None:
        tries.append(one)
        tried.set()
        raise ValueError("not yet")

    bus = corner.bus(backoff_base_sec=3600.0, backoff_max_sec=3600.0)
    bus.subscribe(["new_market_data"], "group", fail)
    bus.publish([event(bars(1)), event(bars(2))])
    assert tried.wait(10)
    started = time.monotonic()
    bus.close()
    assert time.monotonic() - started < 60  # the next try is an hour away
    assert tries == [event(bars(1))]
    seen: list[Event] = []
    with corner.bus(dead_after_sec=3600.0) as again:  # the same consumer takes up at once what it left
        again.subscribe(["new_market_data"], "group", seen.append)
        until(lambda: len(seen) == 2)
    assert seen == [event(bars(1)), event(bars(2))]
