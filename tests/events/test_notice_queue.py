"""The queue of one address: nobody waits for it, it keeps its pace, tries again, and counts what it loses."""

import threading
import time
from datetime import timedelta

import pytest

from ledger_world import START
from pawl.events.notice import Notice
from pawl.events.notice_queue import NoticeQueue, QueueCounts
from pawl.ledger.backoff import Backoff
from redis_world import until

BACKOFF = Backoff(max_attempts=3, base_sec=0.01, max_sec=0.02)


def notice(number: int = 0) -> Notice:
    return Notice(kind="signal", key=str(number), at=START + timedelta(minutes=number), title=f"{number}", body="")


class Address:
    """Takes notices when its door is open. answers: of the next tries; then it takes everything."""

    name = "here 1"

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers, self.door = list(answers), threading.Event()
        self.door.set()
        self.taken: list[str] = []
        self.remarks: list[str] = []
        self.n_tries = 0

    def send(self, one: Notice, remark: str = "") -> bool:
        self.door.wait(10)
        self.n_tries += 1
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        if answer:
            self.taken.append(one.title)
            self.remarks.append(remark)
        return answer


def opened(address: Address, per_minute: int = 1000, size: int = 100) -> NoticeQueue:
    return NoticeQueue(address, BACKOFF, per_minute, size)


def test_notices_are_sent_in_order_by_another_thread() -> None:
    address = Address()
    queue = opened(address)
    address.door.clear()
    assert all([queue.put(notice(number)) for number in range(50)])
    assert queue.counts() == QueueCounts(sent=0, failed=0, dropped=0, waiting=50)
    address.door.set()
    assert queue.wait_idle(10)
    assert address.taken == [str(number) for number in range(50)]
    assert queue.counts() == QueueCounts(sent=50, failed=0, dropped=0, waiting=0)
    queue.close(1)


@pytest.mark.parametrize("answer", [False, OSError("discord://1/very-secret")])
def test_what_is_not_taken_is_tried_again_and_then_given_up(
    answer: bool | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    address = Address(answer, answer, True, answer, answer, answer, True)
    queue = opened(address)
    for number in range(3):
        queue.put(notice(number))
    assert queue.wait_idle(10)
    assert address.taken == ["0", "2"]
    assert address.n_tries == 7
    assert queue.counts() == QueueCounts(sent=2, failed=1, dropped=0, waiting=0)
    queue.close(1)
    assert "a notice of signal is lost after 3 tries" in caplog.text
    assert "very-secret" not in caplog.text


def test_what_finds_no_room_is_dropped_counted_and_told_of_with_the_next_that_is_sent() -> None:
    address = Address(True, False)
    address.door.clear()
    queue = opened(address, size=2)
    assert [queue.put(notice(number)) for number in range(5)] == [True, True, False, False, False]
    assert queue.counts() == QueueCounts(sent=0, failed=0, dropped=3, waiting=2)
    address.door.set()
    assert queue.wait_idle(10)
    queue.put(notice(9))
    assert queue.wait_idle(10)
    assert address.taken == ["0", "1", "9"]
    assert [one for one in address.remarks if one] == ["(3 notices before this one were dropped)"]
    queue.close(1)


def test_no_more_than_so_many_are_sent_in_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pawl.events.notice_queue.MINUTE_SEC", 0.6)
    sent_at: list[float] = []

    class Timed(Address):
        def send(self, one: Notice, remark: str = "") -> bool:
            sent_at.append(time.monotonic())
            return super().send(one, remark)

    queue = opened(Timed(), per_minute=4)
    for number in range(10):
        queue.put(notice(number))
    assert queue.wait_idle(10)
    assert all(later - sooner >= 0.59 for sooner, later in zip(sent_at, sent_at[4:], strict=False))
    queue.close(1)


def test_what_a_minute_has_room_for_is_sent_at_once() -> None:
    address = Address()
    queue = opened(address, per_minute=4)
    for number in range(10):
        queue.put(notice(number))
    until(lambda: len(address.taken) == 4)
    time.sleep(0.2)
    assert queue.counts() == QueueCounts(sent=4, failed=0, dropped=0, waiting=6)
    queue.close(0)


def test_closing_gives_what_waits_some_grace_and_then_ends_though_the_address_hangs() -> None:
    address = Address()
    queue = opened(address)
    queue.put(notice(1))
    queue.close(5)
    assert address.taken == ["1"]
    assert not queue.put(notice(2))
    assert "pawl-notices-here 1" not in {one.name for one in threading.enumerate()}
    hanging = Address()
    hanging.door.clear()
    queue = opened(hanging)
    queue.put(notice(3))
    began = time.monotonic()
    queue.close(0.1)
    assert time.monotonic() - began < 60
    hanging.door.set()
