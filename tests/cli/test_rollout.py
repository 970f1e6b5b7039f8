"""`pawl rollout`: what is asked for by hand, and what every candidate shows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger_world import loop_came_to
from pawl.cli.main import run
from pawl.ledger.ab_tests import list_tests
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import live_entries
from pawl.ledger.rollouts import list_moves, list_rollouts
from rollout_world import BEGAN, NEW, OLD, THIRD, Life, harmful, standing, steady
from small_workspace import Ask

HOUR = timedelta(hours=1)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    """A workspace in which a candidate has passed the gate; time ends now."""
    ledger = Ledger.open(tmp_path)
    begun = Life(ledger)
    begun.at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1, hours=1)
    yield begun
    ledger.close()


@pytest.fixture
def simulated(life: Life) -> Life:
    """The same beside a loop on a time of its own, which lies far from that of the day."""
    life.at = BEGAN
    loop_comes_to(life, BEGAN)
    return life


def loop_comes_to(life: Life, at: datetime) -> None:
    with life.ledger.transaction() as tx:
        loop_came_to(tx, at)


def when(life: Life) -> tuple[list[datetime], list[tuple[str, datetime]]]:
    """The instants of all moves of the one rollout, and the acts of a person with theirs."""
    with life.ledger.reading() as tx:
        (one,) = list_rollouts(tx)
        acts = [(act.name, act.at) for act in live_entries(tx, life.learner, "act")]
        return [move.at for move in list_moves(tx, one.rollout_id)], acts


def test_rollout_status_is_what_a_program_asks_for(life: Life, tmp_path: Path, ask: Ask) -> None:
    """To the letter: version, stage, entered, decisions, guard_rails, test."""
    assert ask(tmp_path, "rollout", "status") == (0, [])
    life.begin()
    began = life.at
    life.live(1)
    code, rows = ask(tmp_path, "rollout", "status")
    assert code == 0
    (row,) = rows
    assert list(row) == ["version", "stage", "entered", "decisions", "guard_rails", "test"]
    assert (row["version"], row["stage"], row["entered"], row["decisions"]) == (NEW, "shadow", began.isoformat(), 48)
    assert row["test"].keys() == {"mean", "low", "blocks"} and row["test"]["low"] is None
    rail = row["guard_rails"]["ece"]
    assert 0.0 <= rail.pop("value") < 0.1 and rail == {"limit": 0.2, "n": 48, "min_n": 100, "is_broken": False}


def test_a_candidate_is_started_and_nobody_skips_a_stage(life: Life, tmp_path: Path, ask: Ask) -> None:
    """PASS-R31 on the command line: started by a verdict, advanced when it is due, promoted by its stages."""
    code, begun = ask(tmp_path, "rollout", "start", NEW, "--by", "anna")
    assert (code, begun["stage"], begun["status"]) == (0, "shadow", "running")
    code, refused = ask(tmp_path, "rollout", "advance", NEW)
    assert code == 1 and "0 of at least 3 days" in refused["error"]["what"]
    code, refused = ask(tmp_path, "promote", NEW)
    assert code == 1 and "no stage is skipped" in refused["error"]["what"]
    with life.ledger.reading() as tx:
        assert list_moves(tx, list_rollouts(tx)[0].rollout_id)[0].by == "anna"


def test_a_breach_is_found_by_whoever_advances(life: Life, tmp_path: Path, ask: Ask) -> None:
    life.begin()
    life.live(1, harmful)
    code, answer = ask(tmp_path, "rollout", "advance", NEW)
    assert (code, answer["status"]) == (0, "rolled_back") and "MDD" in answer["reason"]
    assert standing(life.ledger)[0] == OLD


def test_an_abort_says_who_and_why(life: Life, tmp_path: Path, ask: Ask) -> None:
    assert ask(tmp_path, "rollout", "abort", NEW, "--reason", "no")[0] == 2
    life.begin()
    assert ask(tmp_path, "rollout", "abort", NEW)[0] == 2
    code, answer = ask(tmp_path, "rollout", "abort", NEW, "--reason", "the feed is broken", "--by", "anna")
    assert (code, answer["status"]) == (0, "aborted")
    with life.ledger.reading() as tx:
        last = list_moves(tx, list_rollouts(tx)[0].rollout_id)[-1]
    assert (last.by, last.reason) == ("anna", "aborted by anna: the feed is broken")


def test_an_unknown_version_is_named(tmp_path: Path, life: Life, ask: Ask) -> None:
    assert ask(tmp_path, "rollout", "start", "m002-7.7")[0] == 2


def test_people_read_a_table(life: Life, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rollout", "status", "--home", str(tmp_path)]) == 0
    assert "no candidate is rolled out" in capsys.readouterr().out
    life.begin()
    life.live(1, steady)
    assert run(["rollout", "status", "--home", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert BEGAN < life.at and f"{NEW} against {OLD}: the offline gate passed" in told
    assert "max_drawdown_bps" in told and "of 500 (n 4" in told
    assert "of 0.2 (n 48; judged from 100)" in told and "LIMIT" not in told


def test_a_limit_that_was_passed_is_marked(life: Life, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    life.begin()
    life.live(1, harmful)
    assert run(["rollout", "status", "--home", str(tmp_path)]) == 0
    (rail,) = [line for line in capsys.readouterr().out.splitlines() if "max_drawdown_bps" in line]
    assert rail.endswith("OVER ITS LIMIT")


def test_what_stands_is_counted_at_the_instant_of_the_loop(simulated: Life, tmp_path: Path, ask: Ask) -> None:
    """What is decided behind it does not count yet."""
    simulated.begin()
    simulated.live(1)
    loop_comes_to(simulated, BEGAN + 12 * HOUR)
    _, (row,) = ask(tmp_path, "rollout", "status")
    assert (row["entered"], row["decisions"]) == (BEGAN.isoformat(), 24)  # of twelve hours, on two pairs


def test_a_rollout_is_started_and_aborted_at_the_instant_of_the_loop(simulated: Life, tmp_path: Path, ask: Ask) -> None:
    assert ask(tmp_path, "rollout", "start", NEW)[0] == 0
    loop_comes_to(simulated, BEGAN + HOUR)
    assert ask(tmp_path, "rollout", "abort", NEW, "--reason", "no")[0] == 0
    moves, acts = when(simulated)
    assert moves == [BEGAN, BEGAN + HOUR]
    assert acts == [("rollout start", BEGAN), ("rollout abort", BEGAN + HOUR)]
    with simulated.ledger.reading() as tx:
        (one,) = list_rollouts(tx)
    assert (one.started_at, one.updated_at) == (BEGAN, BEGAN + HOUR)


def test_what_a_start_makes_room_in_is_looked_at_at_the_instant_of_the_loop(
    simulated: Life, tmp_path: Path, ask: Ask
) -> None:
    """By the time of the day the week of the test that runs would be over, and the test decided."""
    (tmp_path / "settings.toml").write_text('[rollout.plans]\nm002 = "reversal"\n')
    with simulated.ledger.transaction() as tx:
        simulated.judged(tx, THIRD)
    assert ask(tmp_path, "rollout", "start", NEW)[0] == 0
    loop_comes_to(simulated, BEGAN + 24 * HOUR)
    assert ask(tmp_path, "rollout", "start", THIRD)[0] == 0
    with simulated.ledger.reading() as tx:
        told = [(one.status, one.test.started_at, one.updated_at) for one in list_tests(tx)]
    day = BEGAN + 24 * HOUR
    assert told == [("stopped", BEGAN, day), ("running", day, day)]


def test_a_rollout_is_advanced_at_the_instant_of_the_loop(simulated: Life, tmp_path: Path, ask: Ask) -> None:
    simulated.begin()
    simulated.live(1, harmful)
    loop_comes_to(simulated, simulated.at)
    assert ask(tmp_path, "rollout", "advance", NEW)[0] == 0
    moves, acts = when(simulated)
    assert moves == [BEGAN, BEGAN + 24 * HOUR]
    assert acts == [("rollout advance", BEGAN + 24 * HOUR)]
