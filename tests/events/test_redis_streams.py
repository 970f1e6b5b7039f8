"""Entries of a group: given out, counted by Redis itself, taken over, and remembered as done."""

from dataclasses import replace
from typing import Any

import pytest

from loop_events import bars, event, prediction
from pawl.events.redis_keys import RedisKeys
from pawl.events.redis_streams import Entry, GroupStreams
from redis_world import Corner


def streams(corner: Corner, redis: Any, consumer: str) -> GroupStreams:
    made = GroupStreams(redis, RedisKeys(corner.settings.prefix), ["new_market_data"], "group", consumer)
    made.make_groups()
    return made


def test_what_is_begun_is_counted_by_redis_whoever_begins_it_and_what_only_waits_is_not(
    corner: Corner, redis: Any
) -> None:
    with corner.bus() as bus:
        bus.publish([event(bars(number)) for number in range(25)])
    one, two = (streams(corner, redis, name) for name in ("one", "two"))
    given = [entry for _ in range(3) for entry in one.new(0.01)]
    assert [entry.attempts for entry in given] == [1] * 25
    assert list(one.own()) == given  # however often it is given out
    assert not one.begin(given[0], bars(0).event_id)
    assert next(one.own()).attempts == 2
    one.begin(replace(given[0], attempts=2), bars(0).event_id)
    assert all(one.is_own(entry) for entry in given)
    taken = list(two.of_the_dead(0.0))
    assert taken == [replace(given[0], attempts=3), *given[1:]]
    assert list(one.own()) == []
    assert not any(one.is_own(entry) for entry in given)
    two.acknowledge(taken[0], bars(0).event_id, 60)
    assert one.begin(taken[0], bars(0).event_id)
    known = RedisKeys(corner.settings.prefix).done("group", bars(0).event_id)
    assert 50 < redis.ttl(known) <= 60
    assert not one.begin(taken[1], bars(1).event_id)
    assert len(list(two.own())) == 23


def test_what_is_left_is_found_on_every_topic_though_it_is_older_than_that_of_the_one_before(
    corner: Corner, redis: Any
) -> None:
    keys, topics = RedisKeys(corner.settings.prefix), ["new_market_data", "new_prediction"]
    one, two = (GroupStreams(redis, keys, topics, "group", name) for name in ("one", "two"))
    one.make_groups()
    with corner.bus() as bus:
        bus.publish([event(prediction(1)), event(bars(1)), event(bars(2))])
    assert len(one.new(0.01)) == 3
    for left in (one.own(), two.of_the_dead(0.0)):
        assert [entry.topic for entry in left] == ["new_market_data"] * 2 + ["new_prediction"]


def let_lie(corner: Corner, redis: Any, entries: list[Entry]) -> None:
    """As if they had been given out a minute ago."""
    stream, ids = f"{corner.settings.prefix}new_market_data", [entry.entry_id for entry in entries]
    redis.xclaim(stream, "group", "one", 0, ids, idle=60_000, justid=True)


def test_what_is_at_hand_is_nobody_elses(corner: Corner, redis: Any) -> None:
    with corner.bus() as bus:
        bus.publish([event(bars(1)), event(bars(2))])
    one, two = (streams(corner, redis, name) for name in ("one", "two"))
    given = one.new(0.01)
    assert list(two.of_the_dead(30.0)) == []
    let_lie(corner, redis, given)
    one.begin(given[0], bars(1).event_id)
    assert list(two.of_the_dead(30.0)) == given[1:]
    let_lie(corner, redis, given[:1])
    assert list(two.of_the_dead(30.0)) == [replace(given[0], attempts=2)]


def test_what_another_takes_up_at_the_same_moment_is_left_to_it(
    corner: Corner, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with corner.bus() as bus:
        bus.publish([event(bars(1)), event(bars(2))])
    one, two = (streams(corner, redis, name) for name in ("one", "two"))
    given = one.new(0.01)
    let_lie(corner, redis, given)
    read = redis.xrange

    def read_late(*place: str) -> Any:
        one.begin(given[0], bars(1).event_id)
        return read(*place)

    monkeypatch.setattr(redis, "xrange", read_late)
    assert list(two.of_the_dead(30.0)) == given[1:]


def test_what_was_trimmed_is_pending_until_somebody_was_told(corner: Corner, redis: Any) -> None:
    with corner.bus() as bus:
        bus.publish([event(bars(1)), event(bars(2))])
    one, two = (streams(corner, redis, name) for name in ("one", "two"))
    given = one.new(0.01)
    redis.xtrim(f"{corner.settings.prefix}new_market_data", maxlen=1, approximate=False)
    lost = replace(given[0], fields=None)
    assert list(two.of_the_dead(3600.0)) == []  # one may yet be at it
    for left in (one.own(), two.of_the_dead(0.0), one.own()):
        assert next(left) == lost
    two.give_up(lost, "trimmed")
    assert list(two.of_the_dead(0.0)) == given[1:]


def test_the_dead_letters_are_no_more_than_they_may_be(
    corner: Corner, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pawl.events.redis_streams.DEAD_LETTERS", 100)
    with corner.bus() as bus:
        bus.publish([event(bars(1))])
    one = streams(corner, redis, "one")
    (given,) = one.new(0.01)
    for _ in range(300):
        one.give_up(given, "poison")
    assert 100 <= redis.xlen(f"{corner.settings.prefix}dead_letters") <= 200  # Redis drops a hundred at a time
