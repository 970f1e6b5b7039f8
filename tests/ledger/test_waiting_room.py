"""Things wait in their order, and who takes them sleeps until there are as many as it wants."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from pawl.ledger.waiting_room import WaitingRoom


def test_what_many_threads_put_is_taken_once_and_in_the_order_of_each() -> None:
    room, taken = WaitingRoom[tuple[int, int]](), []

    def take_all() -> None:
        while some := room.take(most=7, crowd=5, patience_sec=0.0005):
            assert len(some) <= 7
            taken.extend(some)

    taker = threading.Thread(target=take_all)
    taker.start()
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda number: [room.put([(number, n)]) for n in range(500)][-1], range(8)))
    room.close()
    taker.join(30)
    assert sorted(taken) == [(number, n) for number in range(8) for n in range(500)]
    for number in range(8):
        assert [n for whose, n in taken if whose == number] == list(range(500))


def test_the_taker_waits_for_the_crowd_and_not_longer() -> None:
    room = WaitingRoom[int]()
    room.put([0])
    later = threading.Timer(0.05, lambda: [room.put([n]) for n in (1, 2)])
    later.start()
    began = time.monotonic()
    assert room.take(most=10, crowd=3, patience_sec=60) == [0, 1, 2]
    room.put([3])
    assert room.take(most=10, crowd=3, patience_sec=0.01) == [3]
    assert time.monotonic() - began < 30


def test_closing_wakes_the_taker_and_leaves_what_waits() -> None:
    room = WaitingRoom[int]()
    threading.Timer(0.05, room.close).start()
    assert room.take(most=1) == []
    assert not room.put([1])
    patient = WaitingRoom[int]()
    patient.put([1, 2])
    threading.Timer(0.05, patient.close).start()
    assert patient.take(most=10, crowd=3, patience_sec=60) == [1, 2]
    assert patient.take(most=10, crowd=3, patience_sec=60) == []
