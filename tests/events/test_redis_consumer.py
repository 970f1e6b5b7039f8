"""A group on a real Redis: what fails is tried again, what a dead consumer left is taken up, poison is parked."""

import time
from pathlib import Path
from typing import Any

import pytest

from loop_events import bars, event
from pawl.events.bus import Event, Handler, Parked
from redis_world import Corner, noted, until

TOPIC = "new_market_data"


def time_of(number: int) -> str:
    """As the payload of the bar says it."""
    return str(bars(number).model_dump(mode="json")["bar_timestamp"])


def dead_letters(redis: Any, corner: Corner) -> list[dict[str, str]]:
    return [fields for _, fields in redis.xrange(f"{corner.settings.prefix}dead_letters")]


def n_pending(redis: Any, corner: Corner, group: str = "group") -> int:
    return int(redis.xpending(f"{corner.settings.prefix}{TOPIC}", group)["pending"])


def test_a_handler_that_fails_is_tried_again_and_the_others_wait_behind_it(
    corner: Corner, redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Event] = []
    counted: list[int] = []

    def fail_twice(one: Event) -> None:
        seen.append(one)
        counted.append(
            redis.xpending_range(f"{corner.settings.prefix}{TOPIC}", "group", "-", "+", 1)[0]["times_delivered"]
        )
        if len(seen) <= 2:
            raise ValueError("not yet")

    told = [event(bars(number)) for number in range(3)]
    with corner.bus() as bus:
        bus.subscribe([TOPIC], "group", fail_twice)
        bus.publish(told)
        until(lambda: len(seen) == 5)
        until(lambda: n_pending(redis, corner) == 0)
    assert seen == [told[0], told[0], told[0], told[1], told[2]]
    assert counted == [2, 3, 4, 2, 2]  # Redis counts what is begun, and one for giving it out
    assert dead_letters(redis, corner) == []
    named = [record.__dict__["facts"] for record in caplog.records]
    assert [(one["group"], one["event_id"], one["reason"]) for one in named] == [
        ("group", str(told[0].event_id), "ValueError: not yet")
    ] * 2


def test_what_another_has_dealt_with_meanwhile_is_not_tried_again(corner: Corner, redis: Any) -> None:
    seen: list[Event] = []
    told = event(bars(1))

    def fail(one: Event) -> None:
        seen.append(one)
        redis.set(f"{corner.settings.prefix}done:group:{one.event_id}", "1")  # as another does that took it for dead
        raise ValueError("not yet")

    with corner.bus() as bus:
        bus.publish([told])
        bus.subscribe([TOPIC], "group", fail)
        until(lambda: bool(seen) and n_pending(redis, corner) == 0)
    assert seen == [told]
    assert dead_letters(redis, corner) == []


def test_what_keeps_failing_goes_to_the_dead_letters_and_is_parked(corner: Corner, redis: Any) -> None:
    tries: list[Event] = []
    good: list[Event] = []
    parked: list[Parked] = []
    told = [event(bars(1)), event(bars(2))]

    def fail(one: Event) -> None:
        tries.append(one)
        if one == told[0]:
            raise ValueError("poison")

    with corner.bus(on_parked=parked.append) as bus:
        bus.subscribe([TOPIC], "fails", fail)
        bus.subscribe([TOPIC], "works", good.append)
        bus.publish(told)
        until(lambda: told[1] in tries and len(good) == 2)
        until(lambda: n_pending(redis, corner, "fails") == 0)
    assert tries == [told[0]] * 3 + [told[1]]
    (one,) = parked
    assert (one.group, one.topic, one.item_id, one.error, one.attempts, one.event) == (
        "fails", TOPIC, str(told[0].event_id), "ValueError: poison", 3, told[0],
    )  # fmt: skip
    (letter,) = dead_letters(redis, corner)
    assert (letter["group"], letter["error"], letter["attempts"]) == ("fails", "ValueError: poison", "3")
    assert (letter["event_id"], letter["topic"]) == (str(told[0].event_id), TOPIC)


def test_nothing_is_given_up_while_it_cannot_be_parked(corner: Corner, redis: Any) -> None:
    tries: list[Event] = []

    def fail(one: Event) -> None:
        tries.append(one)
        raise ValueError("poison")

    def park(_: Parked) -> None:
        if len(tries) < 6:
            raise OSError("the ledger is away")

    with corner.bus(on_parked=park) as bus:
        bus.subscribe([TOPIC], "group", fail)
        bus.publish([event(bars(1))])
        until(lambda: len(dead_letters(redis, corner)) == 1)
    assert dead_letters(redis, corner)[0]["attempts"] == "6"


def test_what_a_consumer_left_that_died_is_taken_up_by_another(corner: Corner, redis: Any, tmp_path: Path) -> None:
    told = [event(bars(number)) for number in range(5)]
    seen: list[Event] = []
    dying = corner.reader("dying", "group", time_of(2), tmp_path / "seen")
    with corner.bus("other") as bus:
        bus.publish(told)
        assert dying.wait(30) == -9
        bus.subscribe([TOPIC], "group", seen.append)
        until(lambda: len(seen) == 3)
        until(lambda: n_pending(redis, corner) == 0)
    assert (tmp_path / "seen").read_text().split() == [time_of(number) for number in range(3)]
    assert seen == told[2:]  # 2 again: it was given out, and never acknowledged


def test_a_consumer_that_comes_back_takes_up_what_it_left_at_once(corner: Corner, redis: Any, tmp_path: Path) -> None:
    corner.settings = corner.settings.model_copy(update={"dead_after_sec": 3600.0})
    dying = corner.reader("same", "group", time_of(0), tmp_path / "seen")
    seen: list[Event] = []
    with corner.bus("same") as bus:
        bus.publish([event(bars(number)) for number in range(3)])
        assert dying.wait(30) == -9
        bus.subscribe([TOPIC], "group", seen.append)
        until(lambda: len(seen) == 3)
    assert seen == [event(bars(number)) for number in range(3)]


def test_what_kills_its_consumer_each_time_is_parked_and_what_waits_behind_it_is_not(
    corner: Corner, redis: Any, tmp_path: Path
) -> None:
    """Nobody is left to count: Redis does, and tells what was begun from what was only given out with it."""
    told = [event(bars(number)) for number in range(1, 4)]
    with corner.bus() as bus:
        bus.publish(told)
    for life in range(3):
        dying = corner.reader("dying", "group", time_of(1), tmp_path / "seen")
        assert dying.wait(30) == -9, life
    parked: list[Parked] = []
    seen: list[Event] = []
    with corner.bus("dying", on_parked=parked.append) as bus:
        bus.subscribe([TOPIC], "group", seen.append)
        until(lambda: len(seen) + len(parked) == 3)
    assert (tmp_path / "seen").read_text().split() == [time_of(1)] * 3
    assert [(one.event, one.error) for one in parked] == [(told[0], "delivered 3 times and never acknowledged")]
    assert seen == told[1:]
    assert [one["event_id"] for one in dead_letters(redis, corner)] == [str(told[0].event_id)]


def slowly(seen: list[Event], for_sec: float) -> Handler:
    """Notes an event, and takes so long for it."""

    def handle(one: Event) -> None:
        seen.append(one)
        time.sleep(for_sec)

    return handle


def test_what_waits_for_long_behind_another_goes_to_somebody_else_and_is_dealt_with_once(
    corner: Corner, redis: Any
) -> None:
    told = [event(bars(number)) for number in range(8)]
    seen: list[Event] = []

    with corner.bus("slow", dead_after_sec=0.6) as slow, corner.bus("idle", dead_after_sec=0.6) as idle:
        slow.publish(told)
        slow.subscribe([TOPIC], "group", slowly(seen, 0.15))
        until(lambda: bool(seen))
        idle.subscribe([TOPIC], "group", slowly(seen, 0.15))
        until(lambda: n_pending(redis, corner) == 0)
    assert sorted(str(one.event_id) for one in seen) == sorted(str(one.event_id) for one in told)


def test_what_waits_for_long_behind_another_keeps_its_place_where_nobody_else_takes_it(
    corner: Corner, redis: Any
) -> None:
    """Ten are read at once, and the last of them wait for longer than a dead consumer's entries would."""
    told = [event(bars(number)) for number in range(14)]
    seen: list[Event] = []

    with corner.bus(dead_after_sec=0.2) as bus:
        bus.publish(told)
        bus.subscribe([TOPIC], "group", slowly(seen, 0.03))
        until(lambda: len(seen) >= 14 and n_pending(redis, corner) == 0)
    assert seen == told


JUNK = [
    {"colour": "red"},
    {"event_id": "1", "topic": TOPIC, "at": "2024-01-01T00:00:00Z", "trace_id": "", "payload": "{}"},
    {"event_id": str(bars(1).event_id), "topic": TOPIC, "at": "2024-01-01T00:00:00Z", "trace_id": "", "payload": "[]"},
    {b"event_id": b"\xff\xfe"},
]


@pytest.mark.parametrize("junk", JUNK, ids=["unknown", "no id", "no payload", "no text"])
def test_what_is_no_event_is_parked_at_once_and_stops_nobody(
    corner: Corner, redis: Any, junk: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Event] = []
    parked: list[Parked] = []
    redis.xadd(f"{corner.settings.prefix}{TOPIC}", junk)
    with corner.bus(on_parked=parked.append) as bus:
        bus.publish([event(bars(2))])
        bus.subscribe([TOPIC], "group", seen.append)
        until(lambda: bool(seen))
        until(lambda: n_pending(redis, corner) == 0)
    assert [one.event for one in parked] == [None]
    assert "no event" in parked[0].error
    assert caplog.records == []  # the reader goes on, and does not begin again
    assert len(dead_letters(redis, corner)) == 1


def test_what_was_trimmed_before_it_was_dealt_with_is_not_lost_in_silence(
    corner: Corner, redis: Any, tmp_path: Path
) -> None:
    dying = corner.reader("dying", "group", time_of(0), tmp_path / "seen")
    parked: list[Parked] = []
    seen: list[Event] = []
    with corner.bus("other", on_parked=parked.append) as bus:
        bus.publish([event(bars(0))])
        assert dying.wait(30) == -9
        redis.xtrim(f"{corner.settings.prefix}{TOPIC}", maxlen=0, approximate=False)
        bus.subscribe([TOPIC], "group", seen.append)
        until(lambda: bool(parked))
    assert seen == []
    assert (parked[0].event, parked[0].error) == (None, "it was trimmed off its stream before it was dealt with")


def test_a_group_that_is_removed_is_made_again(corner: Corner, redis: Any) -> None:
    """What FLUSHALL leaves behind: a reader without its group. It waits as after a first failure each time."""
    seen: list[Event] = []
    asked: list[int] = []
    corner.settings = noted(asked, **corner.settings.model_dump())
    with corner.bus() as bus:
        bus.subscribe([TOPIC], "group", seen.append)
        for number in range(3):
            bus.publish([event(bars(number))])
            until(lambda number=number: len(seen) == number + 1)  # type: ignore[misc]
            until(lambda: n_pending(redis, corner) == 0)
            redis.delete(f"{corner.settings.prefix}{TOPIC}")
    assert 2 <= len(asked) <= 3
    assert set(asked) == {1}
