"""The bus of one process: every group gets every event, in order, at least once; what keeps failing is parked."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from loop_events import bars, event, outcome, prediction
from pawl.errors import InputError
from pawl.events.bus import Event, Parked
from pawl.events.in_process_bus import InProcessBus
from pawl.ledger.backoff import Backoff

BACKOFF = Backoff(max_attempts=3, base_sec=0.01, max_sec=0.05)


@contextmanager
def opened(parked: list[Parked] | None = None, remembered: int = 100) -> Iterator[InProcessBus]:
    with InProcessBus(BACKOFF, [].append if parked is None else parked.append, remembered) as bus:
        yield bus


def test_every_group_gets_every_event_of_its_topics_in_order() -> None:
    told = [event(one) for number in range(50) for one in (bars(number), prediction(number), outcome(number))]
    first: list[Event] = []
    second: list[Event] = []
    with opened() as bus:
        bus.subscribe(["new_market_data", "signal_outcome"], "first", first.append)
        bus.subscribe(["new_prediction"], "second", second.append)
        bus.publish(told[:70])
        bus.publish(told[70:])
        assert bus.wait_idle(10)
    assert first == [one for one in told if one.topic != "new_prediction"]
    assert second == [one for one in told if one.topic == "new_prediction"]


def test_an_event_is_settled_when_every_group_has_dealt_with_it() -> None:
    gate = threading.Event()
    told = event(bars(1))
    with opened() as bus:
        fast: list[Event] = []
        bus.subscribe(["new_market_data"], "fast", fast.append)
        bus.subscribe(["new_market_data"], "slow", lambda _: gate.wait(10) and None)
        bus.publish([told])
        while not fast:
            time.sleep(0.001)
        assert bus.settled([told.event_id]) == set()
        assert not bus.wait_idle(0.02)
        gate.set()
        assert bus.wait_idle(10)
        assert bus.settled([told.event_id]) == {told.event_id}


def test_an_event_that_nobody_listens_to_is_settled_at_once() -> None:
    told = event(bars(1))
    with opened() as bus:
        bus.subscribe(["new_prediction"], "other", lambda _: None)
        bus.publish([told])
        assert bus.settled([told.event_id]) == {told.event_id}


def test_a_handler_that_fails_is_tried_again_and_the_others_wait_behind_it() -> None:
    seen: list[Event] = []

    def fail_twice(one: Event) -> None:
        seen.append(one)
        if len(seen) <= 2:
            raise ValueError("not yet")

    parked: list[Parked] = []
    told = [event(bars(number)) for number in range(3)]
    with opened(parked) as bus:
        bus.subscribe(["new_market_data"], "group", fail_twice)
        bus.publish(told)
        assert bus.wait_idle(10)
    assert seen == [told[0], told[0], told[0], told[1], told[2]]
    assert parked == []


def test_what_keeps_failing_is_parked_with_its_error_and_the_other_groups_are_not_held_up() -> None:
    def fail(one: Event) -> None:
        if one.payload["pair"] == "USDJPY":
            raise ValueError("poison")

    parked: list[Parked] = []
    good: list[Event] = []
    told = [event(bars(1, "USDJPY")), event(bars(2))]
    with opened(parked) as bus:
        bus.subscribe(["new_market_data"], "fails", fail)
        bus.subscribe(["new_market_data"], "works", good.append)
        bus.publish(told)
        assert bus.wait_idle(10)
        assert bus.settled([one.event_id for one in told]) == {one.event_id for one in told}
    (one,) = parked
    assert (one.group, one.topic, one.error, one.attempts) == ("fails", "new_market_data", "ValueError: poison", 3)
    assert one.event == told[0]
    assert one.item_id == str(told[0].event_id)
    assert good == told


def test_nothing_is_given_up_while_it_cannot_be_parked() -> None:
    tries: list[Event] = []
    parked: list[Parked] = []

    def fail(one: Event) -> None:
        tries.append(one)
        raise ValueError("poison")

    def park(one: Parked) -> None:
        if len(tries) < 5:
            raise OSError("the ledger is away")
        parked.append(one)

    with InProcessBus(BACKOFF, park, 10) as bus:
        bus.subscribe(["new_market_data"], "fails", fail)
        bus.publish([event(bars(1))])
        assert bus.wait_idle(10)
    assert [one.attempts for one in parked] == [5]


def test_a_group_deals_once_with_an_event_that_is_published_twice() -> None:
    seen: list[Event] = []
    told = event(bars(1))
    with opened() as bus:
        bus.subscribe(["new_market_data"], "group", seen.append)
        for _ in range(2):
            bus.publish([told, told])
            assert bus.wait_idle(10)
    assert seen == [told]


def test_the_memory_of_a_group_is_bounded() -> None:
    seen: list[Event] = []
    told = [event(bars(number)) for number in range(5)]
    with opened(remembered=3) as bus:
        bus.subscribe(["new_market_data"], "group", seen.append)
        bus.publish(told)
        assert bus.wait_idle(10)
        bus.publish([told[2], told[4], told[0]])  # it knows the last three
        assert bus.wait_idle(10)
    assert seen == [*told, told[0]]


def test_closing_ends_at_once_and_settles_nothing_that_was_not_dealt_with() -> None:
    tried, told = threading.Event(), [event(bars(1)), event(bars(2))]

    def fail(_: Event) -> None:
        tried.set()
        raise ValueError("not yet")

    bus = InProcessBus(Backoff(max_attempts=9, base_sec=3600, max_sec=3600), lambda _: None, 10)
    bus.subscribe(["new_market_data"], "group", fail)
    bus.publish(told)
    assert tried.wait(10)
    started = time.monotonic()
    bus.close()
    assert time.monotonic() - started < 60  # the next try is an hour away
    assert bus.settled([one.event_id for one in told]) == set()


def test_a_second_handler_of_a_group_is_refused() -> None:
    with opened() as bus:
        bus.subscribe(["new_market_data"], "group", lambda _: None)
        with pytest.raises(InputError, match="listens already"):
            bus.subscribe(["new_prediction"], "group", lambda _: None)
