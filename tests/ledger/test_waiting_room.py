"""Things wait in their order, and who takes them sleeps until there are as many as it wants."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

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


def test_the_taker_wakes_for_the_crowd_or_for_something_else() -> None:
    room, (here, there) = WaitingRoom[int](), socket.socketpair()
    with here, there:
        threading.Timer(0.05, lambda: [room.put([n]) for n in (1, 2)]).start()
        assert room.gathers(2, here.fileno())
        assert room.take(most=10) == [1, 2]
        threading.Timer(0.05, lambda: (room.put([3]), there.send(b"!"))).start()
        assert not room.gathers(2, here.fileno())
        room.put([4])
        assert room.gathers(2, here.fileno())  # they are here already
        assert room.take(most=10, crowd=2, patience_sec=60) == [3, 4]
        here.recv(1)
        threading.Timer(0.05, room.close).start()
        assert not room.gathers(1, here.fileno())
    assert room.take(most=1) == []


def test_an_alarm_that_rang_in_the_last_moment_wakes_nobody_later() -> None:
    room, (here, there) = WaitingRoom[int](), socket.socketpair()
    with here, there:
        there.send(b"!")
        for n in range(5):
            late = threading.Thread(target=room.put, args=([n],))
            late.start()
            room.gathers(1, here.fileno())
            late.join()
            assert room.take(most=1) == [n]
        here.recv(1)
        threading.Timer(0.05, lambda: there.send(b"!")).start()
        assert not room.gathers(1, here.fileno())
        here.recv(1)
        threading.Timer(0.05, lambda: room.put([9])).start()
        assert room.take(most=1) == [9]
    room.close()
    assert room.take(most=1) == []


def test_without_a_file_to_open_nothing_is_gathered_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    room, (here, there) = WaitingRoom[int](), socket.socketpair()

    def none_free() -> None:
        raise OSError(24, "Too many open files")

    with here, there, monkeypatch.context() as patch:
        patch.setattr(socket, "socketpair", none_free)
        assert not room.gathers(1, here.fileno())
        room.put([1])
        assert room.gathers(1, here.fileno())
        assert room.take(most=1) == [1]
