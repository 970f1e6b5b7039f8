"""A due time is taken up once, and of those that were missed only the newest."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ledger_world import address, day, run_together
from pawl.ledger.database import Ledger
from pawl.ledger.schedule_runs import is_taken, newest_due, take_up

RACE = """
import sys
from datetime import UTC, datetime, timedelta
from pawl.ledger.database import Ledger
from pawl.ledger.schedule_runs import take_up
ledger = Ledger(sys.argv[1])
for number in range(20):
    due = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number)
    with ledger.transaction() as tx:
        if take_up(tx, "train m002", due, datetime(2024, 2, 1, 0, 0, int(sys.argv[2]), tzinfo=UTC)):
            print(number)
"""


def test_whoever_writes_first_runs_and_may_ask_again(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        assert not is_taken(tx, "train m002", day(7))
        assert take_up(tx, "train m002", day(7), day(8))
        assert take_up(tx, "train m002", day(7), day(8)), "the same run, after its process died"
        assert not take_up(tx, "train m002", day(7), day(9))
        assert take_up(tx, "train m002", day(14), day(15))
        assert take_up(tx, "train reversal", day(7), day(9))
        assert is_taken(tx, "train m002", day(7))


def test_of_processes_that_ask_at_once_one_runs(ledger: Ledger, tmp_path: Path) -> None:
    printed = run_together(RACE, [address(ledger)], 3, tmp_path)
    assert sorted(int(one) for text in printed for one in text.split()) == list(range(20))


@given(
    st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=400)),
    st.timedeltas(min_value=timedelta(days=500), max_value=timedelta(days=30_000)),
)
def test_the_newest_due_time_is_less_than_one_period_ago(every: timedelta, later: timedelta) -> None:
    now = datetime(2000, 1, 1, tzinfo=UTC) + later
    due = newest_due(every, now)
    assert due <= now < due + every
    assert newest_due(every, due) == due
