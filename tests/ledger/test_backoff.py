"""Delays grow, stop growing at the cap, and are the same whenever they are asked for."""

from hypothesis import given
from hypothesis import strategies as st

from pawl.ledger.backoff import Backoff

BACKOFF = Backoff(max_attempts=5, base_sec=1.0, max_sec=64.0)


@given(st.text(), st.integers(1, 6))
def test_each_delay_is_longer_than_the_one_before_until_the_cap(item: str, attempts: int) -> None:
    first, second = (BACKOFF.after(number, item).total_seconds() for number in (attempts, attempts + 1))
    assert 2.0 ** (attempts - 1) <= first <= 1.5 * 2.0 ** (attempts - 1)
    assert first < second
    assert BACKOFF.after(attempts, item).total_seconds() == first


@given(st.text(), st.integers(7, 100_000))
def test_no_delay_is_longer_than_the_cap_and_its_jitter(item: str, attempts: int) -> None:
    assert 64.0 <= BACKOFF.after(attempts, item).total_seconds() <= 96.0


def test_what_failed_together_does_not_come_back_together() -> None:
    assert len({BACKOFF.after(1, f"event {number}") for number in range(100)}) > 90
