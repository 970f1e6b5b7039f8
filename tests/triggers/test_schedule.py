"""Schedules: the pure half of PASS-R26 and REV-R10, and of the cycles of REV-R1."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pawl.errors import InputError
from pawl.triggers.schedule import SCHEDULES, Daily, Every, Monthly, Weekly, due_run, is_due, latest, next_after

START = datetime(2026, 1, 1, tzinfo=UTC)
INSTANTS = st.integers(0, 4 * 365 * 86_400).map(lambda seconds: START + timedelta(seconds=seconds))


def _runs(name: str, days: int, *, every: timedelta = timedelta(minutes=7)) -> list[datetime]:
    """What a scheduler that looks every few minutes, and restarts at every look, runs."""
    runs, last = [], START
    for step in range(int(timedelta(days=days) / every) + 1):
        due = due_run(name, SCHEDULES[name], last, START + step * every)
        if due is not None:
            runs.append(due.at)
            last = due.at
    return runs


def test_rev_r10_daily_weekly_and_monthly_run_at_their_hours_once_each() -> None:
    """REV-R10 (pure half): 02:00 every day, Sunday 01:00, the 1st at 00:00 UTC, through a leap-free quarter."""
    assert _runs("reversal_daily", 90) == [START + timedelta(days=day, hours=2) for day in range(90)]
    weekly = _runs("reversal_weekly", 90)
    assert weekly == [datetime(2026, 1, 4, 1, tzinfo=UTC) + timedelta(days=7 * week) for week in range(13)]
    assert {at.weekday() for at in weekly} == {6}
    months = _runs("reversal_monthly", 121)
    assert months == [datetime(2026, month, 1, tzinfo=UTC) for month in (2, 3, 4, 5)]


def test_pass_r26_the_policy_trains_weekly_and_the_analyst_twice_a_week() -> None:
    """PASS-R26 (pure half): in 12 whole weeks 12 and 24 runs, each with a key of its own."""
    policy, analyst = _runs("policy_retrain", 84), _runs("analyst_retrain", 84)
    assert (len(policy), len(analyst)) == (12, 24)
    assert {after - before for before, after in pairwise(policy)} == {timedelta(days=7)}
    assert max(after - before for before, after in pairwise(analyst)) == timedelta(days=4)


def test_pass_r26_two_that_find_the_same_run_name_it_alike() -> None:
    """PASS-R26 (pure half): whoever looks, and when, the key of a due run is one."""
    last = datetime(2026, 1, 3, 3, tzinfo=UTC)
    looks = [last + timedelta(days=7, minutes=minutes) for minutes in (0, 1, 60, 1440)]
    found = [due_run("policy_retrain", SCHEDULES["policy_retrain"], last, now) for now in looks]
    assert {due.key for due in found if due is not None} == {"policy_retrain@2026-01-10T03:00:00+00:00"}
    assert due_run("policy_retrain", SCHEDULES["policy_retrain"], looks[0], looks[3]) is None


def test_rev_r1_the_cycles_beat_at_15_minutes_and_60_seconds() -> None:
    """REV-R1 (pure half): collection, signals and positions on a clock that looks every 20 seconds for a day."""
    counts = {name: len(_runs(name, 1, every=timedelta(seconds=20))) for name in ("collection", "signals", "positions")}
    assert counts == {"collection": 96, "signals": 96, "positions": 1440}


@pytest.mark.parametrize(("name", "days", "n_missed"), [("reversal_daily", 10, 9), ("positions", 2, 2879),
                                                        ("collection", 1, 95), ("reversal_weekly", 30, 3)])  # fmt: skip
def test_a_run_that_was_missed_is_made_once(name: str, days: int, n_missed: int) -> None:
    now = START + timedelta(days=days)
    due = due_run(name, SCHEDULES[name], START, now)
    assert due is not None and due.n_missed == n_missed
    assert due_run(name, SCHEDULES[name], due.at, now) is None
    assert due_run(name, SCHEDULES[name], now, now) is None


@given(st.sampled_from(sorted(SCHEDULES)), INSTANTS, st.integers(0, 70 * 86_400))
def test_what_is_due_lies_between_the_last_run_and_now(name: str, last: datetime, seconds: int) -> None:
    now = last + timedelta(seconds=seconds)
    schedule = SCHEDULES[name]
    due = due_run(name, schedule, last, now)
    assert (due is not None) == is_due(schedule, last, now)
    if due is None:
        assert latest(schedule, now) <= last
        return
    assert last < due.at <= now
    # Nothing newer was scheduled: asked at the instant itself, it is its own newest.
    assert latest(schedule, due.at) == due.at and latest(schedule, now) == due.at
    assert not is_due(schedule, due.at, now)


def test_a_clock_in_another_zone_is_the_same_clock() -> None:
    from datetime import timezone

    tokyo = datetime(2026, 1, 5, 11, 30, tzinfo=timezone(timedelta(hours=9)))  # 02:30 UTC
    assert latest(Daily(time(2)), tokyo) == datetime(2026, 1, 5, 2, tzinfo=UTC)
    with pytest.raises(InputError):
        latest(Daily(time(2)), tokyo.replace(tzinfo=None))


def test_nothing_was_missed_where_the_run_before_was_made() -> None:
    """Each schedule, run at its instant and looked at again at the next one."""
    for schedule in (*SCHEDULES.values(), Every(timedelta(days=1))):
        first = latest(schedule, START)
        following = next_after(schedule, first)
        assert latest(schedule, following - timedelta(microseconds=1)) == first < following
        due = due_run("x", schedule, first, following)
        assert due is not None and (due.at, due.n_missed) == (following, 0)
        assert due_run("x", schedule, first, following - timedelta(microseconds=1)) is None
        later = due_run("x", schedule, first, next_after(schedule, following))
        assert later is not None and later.n_missed == 1


def test_intervals_are_counted_from_the_first_of_january_1970() -> None:
    """A Thursday: so is each week's beginning."""
    now = datetime(2026, 1, 7, 23, tzinfo=UTC)
    assert latest(Every(timedelta(days=7)), now) == datetime(2026, 1, 1, tzinfo=UTC)
    assert latest(Every(timedelta(days=7)), now + timedelta(hours=1)) == datetime(2026, 1, 8, tzinfo=UTC)


def test_a_schedule_that_cannot_be_is_refused() -> None:
    for make in (lambda: Every(timedelta(0)), lambda: Weekly((), time(1)), lambda: Weekly((7,), time(1)),
                 lambda: Monthly(29, time(0)), lambda: Monthly(0, time(0))):  # fmt: skip
        with pytest.raises(InputError):
            make()
    last = latest(Monthly(28, time(0)), START)
    assert last == datetime(2025, 12, 28, tzinfo=UTC)
