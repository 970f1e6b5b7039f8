"""Entries of a group: given out, counted by Redis itself, taken over, and remembered as done."""

from typing import Any

from loop_events import bars, event
from pawl.events.redis_keys import RedisKeys
from pawl.events.redis_streams import GroupStreams
from redis_world import Corner


def streams(corner: Corner, redis: Any, consumer: str) -> GroupStreams:
    made = GroupStreams(redis, RedisKeys(corner.settings.prefix), ["new_market_data"], "group", consumer)
    made.make_groups()
    return made


def test_deliveries_are_counted_by_redis_whoever_takes_an_entry(corner: Corner, redis: Any) -> None:
    with corner.bus() as bus:
        bus.publish([event(bars(number)) for number in range(25)])
    one, two = (streams(corner, redis, name) for name in ("one", "two"))
    given = [entry for _ in range(3) for entry in one.new(0.01)]
    assert [entry.attempts for entry in given] == [1] * 25
    assert [entry.entry_id for entry in one.own()] == [entry.entry_id for entry in given]
    one.take_again(given[0])
    taken = list(two.of_the_dead(0.0))
    assert [entry.entry_id for entry in taken] == [entry.entry_id for entry in given]
    assert [entry.attempts for entry in taken] == [4] + [3] * 24
    assert list(one.own()) == []
    two.acknowledge(taken[0], bars(0).event_id, 60)
    assert one.is_done(bars(0).event_id)
    assert not one.is_done(bars(1).event_id)
    assert len(list(two.own())) == 24
