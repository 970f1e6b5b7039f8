"""Who has been silent for too long is dead, and one other takes over."""

from datetime import timedelta
from pathlib import Path

import pytest

from ledger_world import address, day, run_together
from pawl.ledger.database import Ledger
from pawl.ledger.heartbeats import beat, dead_executors, lay_down, taking_over

HOUR = timedelta(hours=1)

RACE = """
import sys, time
from datetime import UTC, datetime, timedelta
from pawl.ledger.database import Ledger
from pawl.ledger.heartbeats import taking_over
ledger = Ledger(sys.argv[1])
for number in range(8):
    with taking_over(ledger, f"e{number}", datetime(2024, 2, 1, tzinfo=UTC), timedelta(hours=1)) as tx:
        if tx is not None:
            time.sleep(0.01)
            print(number)
"""


def test_silence_is_death_and_so_is_a_clean_end(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for name in ("a", "b", "c"):
            beat(tx, name, day(1))
        beat(tx, "b", day(2))
        beat(tx, "c", day(2))
        assert dead_executors(tx, day(2), HOUR) == ["a"]
        lay_down(tx, "c")
        assert dead_executors(tx, day(2), HOUR) == ["c", "a"]


def test_the_dead_are_taken_over_once_and_the_living_never(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        for number in range(8):
            beat(tx, f"e{number}", day(1))
        beat(tx, "living", day(31))
    printed = run_together(RACE, [address(ledger)], 3, tmp_path)
    assert sorted(int(one) for text in printed for one in text.split()) == list(range(8))
    with taking_over(ledger, "living", day(31), HOUR) as tx:
        assert tx is None


def test_whoever_dies_while_taking_over_leaves_it_to_the_next(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        beat(tx, "a", day(1))
    with pytest.raises(KeyboardInterrupt), taking_over(ledger, "a", day(2), HOUR):
        raise KeyboardInterrupt
    with taking_over(ledger, "a", day(2), HOUR) as tx:
        assert tx is not None
