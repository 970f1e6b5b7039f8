"""The driver: every cycle at every instant once, in one order, over restarts and gaps."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from pawl.errors import StorageError
from pawl.jobs.live import driver as driver_module
from pawl.jobs.live.clock import SpeedClock, VirtualClock
from pawl.jobs.live.cycle import Cycle
from pawl.jobs.live.cycle_runs import schedule_of
from pawl.jobs.live.driver import Driver, Observed, Rules
from pawl.jobs.live.lease import Lease
from pawl.jobs.live.watch import Run
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import live_entries
from pawl.ledger.schedule_runs import newest_taken
from pawl.ledger.service_tables import schedule_runs
from pawl.triggers.schedule import SCHEDULES, Daily, Every, Schedule

SUNDAY = datetime(2026, 2, 1, tzinfo=UTC)  # the first of a month, and a Sunday
MINUTE, BAR, DAY = timedelta(minutes=1), timedelta(minutes=15), timedelta(days=1)
RULES = Rules(learner="x", beside=False, gap=timedelta(hours=1))


@dataclass
class Seen(Observed):
    """Remembers what it heard of."""

    runs: list[Run] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def ended(self, run: Run) -> None:
        self.runs.append(run)

    def trouble(self, what: str) -> None:
        self.troubles.append(what)


@dataclass
class Loop:
    """A driver with cycles that remember when they ran."""

    ledger: Ledger
    home: Path
    ran: list[tuple[str, datetime]] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)
    acts: dict[str, Callable[[datetime], Mapping[str, object]]] = field(default_factory=dict)

    def cycle(self, name: str, schedule: Schedule, *, is_training: bool = False) -> Cycle:
        def run(at: datetime) -> Mapping[str, object]:
            told = self.acts.get(name, lambda at: {})(at)
            self.ran.append((name, at))
            return told

        return Cycle(name=name, schedule=schedule, run=run, is_training=is_training)

    def drive(self, cycles: list[Cycle], since: datetime, until: datetime, rules: Rules = RULES, **how: object) -> None:
        clock = how.get("clock") or VirtualClock(how.get("now") or since)  # type: ignore[arg-type]
        stopped = how.get("stopped") or threading.Event()
        with Lease(self.ledger, self.home, "test") as lease:
            Driver(self.ledger, lease, cycles, clock, rules, self.seen).run(since, until, stopped)  # type: ignore[arg-type]

    def times(self, name: str) -> list[datetime]:
        return [at for ran, at in self.ran if ran == name]


@pytest.fixture
def loop(ledger: Ledger, tmp_path: Path) -> Loop:
    return Loop(ledger, tmp_path)


def test_rev_r1_the_three_cycles_run_at_15_minutes_15_minutes_and_60_seconds(loop: Loop) -> None:
    names = ("positions", "collection", "signals")
    loop.drive([loop.cycle(name, SCHEDULES[name]) for name in names], SUNDAY, SUNDAY + 2 * BAR)
    assert loop.times("collection") == loop.times("signals") == [SUNDAY + BAR, SUNDAY + 2 * BAR]
    assert loop.times("positions") == [SUNDAY + n * MINUTE for n in range(1, 31)]
    # At one instant in the order of the table: outcomes first, then what closed, then what is decided on it.
    assert [name for name, at in loop.ran if at == SUNDAY + BAR] == list(names)


def test_rev_r10_daily_weekly_and_monthly_run_at_their_times_once_each(loop: Loop) -> None:
    names = ("reversal_daily", "reversal_weekly", "reversal_monthly")
    cycles = [loop.cycle(name, SCHEDULES[name], is_training=True) for name in names]
    since = SUNDAY - timedelta(hours=1)
    for until in (SUNDAY + timedelta(hours=1, minutes=30), SUNDAY + 8 * DAY):  # stopped and started between
        loop.drive(cycles, since, until)
    assert loop.times("reversal_daily") == [SUNDAY + n * DAY + timedelta(hours=2) for n in range(8)]
    assert loop.times("reversal_weekly") == [SUNDAY + n * DAY + timedelta(hours=1) for n in (0, 7)]
    assert loop.times("reversal_monthly") == [SUNDAY]
    assert [name for name, _ in loop.ran[:3]] == ["reversal_monthly", "reversal_weekly", "reversal_daily"]


def test_rev_r10_what_was_missed_while_nobody_ran_runs_once_after_a_restart(loop: Loop) -> None:
    cycles = [loop.cycle("positions", Every(MINUTE)), loop.cycle("daily", Daily(time(2)))]
    loop.drive(cycles, SUNDAY, SUNDAY + 10 * MINUTE)
    back = SUNDAY + 3 * DAY + timedelta(hours=5, seconds=30)
    loop.ran.clear()
    loop.seen.runs.clear()
    loop.drive(cycles, SUNDAY, back, now=back)
    assert loop.ran == [("daily", SUNDAY + 3 * DAY + timedelta(hours=2)), ("positions", back - timedelta(seconds=30))]
    assert [run.n_missed for run in loop.seen.runs] == [3, 3 * 1440 + 300 - 10 - 1]


def test_rev_r10_what_was_missed_runs_once_also_after_a_restart_behind_the_end_of_the_run(loop: Loop) -> None:
    """As far as the run goes: what would be due behind its end is left to the next one."""
    cycles = [loop.cycle("positions", Every(MINUTE)), loop.cycle("daily", Daily(time(2)))]
    end = SUNDAY + timedelta(hours=3, seconds=30)
    loop.drive(cycles, SUNDAY, end, now=SUNDAY + 5 * DAY)
    assert loop.ran == [("daily", SUNDAY + timedelta(hours=2)), ("positions", SUNDAY + timedelta(hours=3))]
    assert [run.n_missed for run in loop.seen.runs] == [0, 179]


def test_a_short_lag_of_a_loop_that_runs_is_caught_up_and_a_long_one_is_not(loop: Loop) -> None:
    clock = VirtualClock(SUNDAY)

    def pause(at: datetime) -> Mapping[str, object]:
        lengths = {SUNDAY + 5 * MINUTE: 20 * MINUTE, SUNDAY + 30 * MINUTE: 5 * DAY}
        clock.wait_until(at + lengths.get(at, timedelta(0)), threading.Event())
        return {}

    loop.acts["positions"] = pause
    loop.drive([loop.cycle("positions", Every(MINUTE))], SUNDAY, SUNDAY + 5 * DAY + 32 * MINUTE, clock=clock)
    jump = SUNDAY + 5 * DAY + 30 * MINUTE
    assert loop.times("positions") == [
        *(SUNDAY + n * MINUTE for n in range(1, 31)),
        jump,
        jump + MINUTE,
        jump + 2 * MINUTE,
    ]
    assert sum(run.n_missed for run in loop.seen.runs) == 5 * 1440 - 1


def test_a_run_that_was_cut_off_is_made_again(loop: Loop) -> None:
    def die(at: datetime) -> Mapping[str, object]:
        raise KeyboardInterrupt

    cycles = [loop.cycle("collection", Every(BAR))]
    loop.acts["collection"] = die
    with pytest.raises(KeyboardInterrupt):
        loop.drive(cycles, SUNDAY, SUNDAY + 2 * BAR)
    del loop.acts["collection"]
    loop.drive(cycles, SUNDAY, SUNDAY + 2 * BAR)
    assert loop.times("collection") == [SUNDAY + BAR, SUNDAY + 2 * BAR]


def test_a_cycle_that_fails_is_told_of_and_does_not_end_the_others(loop: Loop) -> None:
    def fail(at: datetime) -> Mapping[str, object]:
        raise ZeroDivisionError("by zero")

    loop.acts["collection"] = fail
    loop.drive([loop.cycle("collection", Every(BAR)), loop.cycle("signals", Every(BAR))], SUNDAY, SUNDAY + BAR)
    assert loop.times("signals") == [SUNDAY + BAR]
    assert loop.seen.runs[0].error == "ZeroDivisionError: by zero"
    with loop.ledger.reading() as tx:
        assert [one.payload for one in live_entries(tx, "x")] == [{"error": "ZeroDivisionError: by zero"}]


def test_while_the_ledger_does_not_answer_the_driver_waits(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "AWAY_SEC", 0.01)
    tries = iter([True, True, False])

    def away(at: datetime) -> Mapping[str, object]:
        if next(tries, False):
            raise StorageError("gone", where="ledger", fix="wait")
        return {}

    loop.acts["signals"] = away
    loop.drive([loop.cycle("signals", Every(BAR))], SUNDAY, SUNDAY + 2 * BAR)
    assert loop.times("signals") == [SUNDAY + BAR, SUNDAY + 2 * BAR]
    assert len(loop.seen.troubles) == 2


def test_only_one_process_runs_a_cycle_and_the_other_takes_over(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "AWAY_SEC", 0.01)
    with Lease(loop.ledger, loop.home, "test") as first:
        assert first.take() and first.take()
        second = Lease(loop.ledger, loop.home, "test")
        assert not second.take()
        stopped = threading.Event()
        cycles = [loop.cycle("signals", Every(BAR))]
        waiting = threading.Thread(target=loop.drive, args=(cycles, SUNDAY, SUNDAY + BAR), kwargs={"stopped": stopped})
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive() and loop.ran == []
        first.release()
        waiting.join(10)
    assert loop.times("signals") == [SUNDAY + BAR]
    assert loop.seen.troubles == ["another process runs this; standing by"]


def test_trainings_run_beside_a_loop_on_a_real_clock_one_at_a_time(loop: Loop) -> None:
    began = datetime.now(UTC)
    clock = SpeedClock(start=SUNDAY, speed=900.0, now=lambda: datetime.now(UTC))
    is_over, at_once = threading.Event(), []

    def train(at: datetime) -> Mapping[str, object]:
        at_once.append(at)
        is_over.wait(20)
        at_once.remove(at)
        assert not at_once
        return {"version": "x-1.0"}

    loop.acts["daily"] = loop.acts["weekly"] = train

    def watch(at: datetime) -> Mapping[str, object]:
        if at == SUNDAY + 20 * MINUTE:
            is_over.set()
        return {}

    loop.acts["positions"] = watch
    cycles = [
        loop.cycle("positions", Every(MINUTE)),
        loop.cycle("daily", Every(timedelta(minutes=5)), is_training=True),
        loop.cycle("weekly", Every(timedelta(minutes=10)), is_training=True),
    ]
    rules = Rules(learner="x", beside=True, gap=timedelta(hours=9))
    loop.drive(cycles, SUNDAY, SUNDAY + 21 * MINUTE, rules, clock=clock)
    assert loop.times("positions") == [SUNDAY + n * MINUTE for n in range(1, 22)]
    assert loop.times("daily") == [SUNDAY + n * MINUTE for n in (5, 10, 15, 20)]
    assert datetime.now(UTC) - began < timedelta(seconds=20)
    with loop.ledger.reading() as tx:
        trainings = live_entries(tx, "x", "training")
    assert all("took_effect_at" in one.payload for one in trainings) and len(trainings) == 6


def test_a_loop_on_a_clock_of_its_own_waits_for_its_trainings(loop: Loop) -> None:
    """Beside it they would take effect wherever its haste had carried it."""
    trained_in = []

    def train(at: datetime) -> Mapping[str, object]:
        trained_in.append(threading.current_thread())
        return {}

    loop.acts["daily"] = train
    cycles = [
        loop.cycle("positions", Every(MINUTE)),
        loop.cycle("daily", Every(2 * MINUTE), is_training=True),
    ]
    loop.drive(cycles, SUNDAY, SUNDAY + 3 * MINUTE)
    names = ["positions", "positions", "daily", "positions"]
    assert [name for name, _ in loop.ran] == names
    assert trained_in == [threading.current_thread()]


def test_runs_of_frequent_cycles_do_not_pile_up(loop: Loop) -> None:
    loop.drive([loop.cycle("positions", Every(MINUTE))], SUNDAY, SUNDAY + 4 * DAY)
    with loop.ledger.reading() as tx:
        n = tx.execute(sa.select(sa.func.count()).select_from(schedule_runs)).scalar_one()
        newest = newest_taken(tx, [schedule_of("x", "positions")])
        assert live_entries(tx, "x") == []
    assert n <= 2 * 1440 + 200
    assert newest == {"live x positions": SUNDAY + 4 * DAY}
