"""Live = replay, with a person at work: every kind of act, by command and over HTTP, is lived again to the byte."""

import io
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from lived_acts import KINDS, Act, Operator, asks, counts_of, every_kind, hasten, let_pass, live_with, relived
from pawl.cli import relived_world
from pawl.cli.main import run
from pawl.jobs.live import signalling
from pawl.jobs.live.answering import Answer
from pawl.jobs.live.recorded_run import ACT, RecordedRun, recorded_run
from postgres import Databases

TESTS = Path(__file__).parent.parent
SETTINGS = f"""
n_jobs = 1
[learners]
tiny = "{TESTS / "hours.py"}"
mini = "{TESTS / "two_hours.py"}"
[rollout]
ab_days = 1
[rollout.plans]
tiny = "reversal"
[ab_test]
min_resolved = 2
"""


def operator_in(home: Path) -> Operator:
    """Whoever acts in a fresh workspace."""
    home.mkdir(exist_ok=True)
    (home / "settings.toml").write_text(SETTINGS)
    return Operator(home=home, learner="tiny")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    let_pass(monkeypatch)
    hasten(monkeypatch, timedelta(minutes=15))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    """Two days with every kind of act; no test changes them."""
    operator = operator_in(tmp_path_factory.mktemp("lived"))
    with pytest.MonkeyPatch.context() as patch:
        let_pass(patch)
        hasten(patch, timedelta(minutes=15))
        asked = Act(after=20, behind="rollouts", does=lambda operator: operator.predict())
        assert live_with(operator, (*every_kind("tiny"), asked), patch, "50h") == 0
    return operator


def test_every_kind_of_act_is_lived_again(lived: Operator) -> None:
    assert dict(lived.acts_on_record()) == KINDS
    code, told = relived(lived.home)
    counts = counts_of(told)
    assert code == 0
    assert counts["alias moves"] == 6 and counts["versions"] == 5 and counts["verdicts"] >= 12
    assert counts["rollouts"] == counts["A/B tests"] == 5 and counts["rollout moves"] >= 9
    assert counts["trigger firings"] == 3
    # What a user asked of the service is filed in the same table, and is nothing that the loop did.
    assert counts["inferences"] == counts["decisions"] > 2 * 50


def late(recorded: RecordedRun) -> RecordedRun:
    """An act a virtual second late."""

    def later(one: Any) -> Any:
        return replace(one, entry=replace(one.entry, at=one.entry.at + timedelta(seconds=1)))

    return _where("rollout start", recorded, later)


def skipped(recorded: RecordedRun) -> RecordedRun:
    """An act that is not done."""
    return replace(recorded, effects=tuple(one for one in recorded.effects if one.entry.name != "resume"))


def behind_a_later_run(recorded: RecordedRun) -> RecordedRun:
    """An act as it was, behind one decision more."""
    hour = timedelta(hours=1)
    return _where("rollback", recorded, lambda one: replace(one, place=replace(one.place, at=one.place.at + hour)))


def other_seed(recorded: RecordedRun) -> RecordedRun:
    """Another seed."""
    return replace(recorded, chosen={**recorded.chosen, "seed": recorded.chosen["seed"] + 1})


def _where(name: str, recorded: RecordedRun, change: Callable[[Any], Any]) -> RecordedRun:
    first = next(one for one in recorded.effects if one.kind == ACT and one.entry.name == name)
    changed = (change(one) if one is first else one for one in recorded.effects)
    return replace(recorded, effects=tuple(sorted(changed)))


@pytest.mark.soak
@pytest.mark.parametrize(
    ("spoil", "differs"),
    [
        (late, {"rollouts", "rollout moves", "A/B tests"}),
        (behind_a_later_run, {"decisions", "inferences"}),
        (other_seed, {"versions"}),
    ],
)
def test_a_player_that_errs_is_seen(
    lived: Operator,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[RecordedRun], RecordedRun],
    differs: set[str],
) -> None:
    monkeypatch.setattr(relived_world, "recorded_run", lambda tx, learner: spoil(recorded_run(tx, learner)))
    code, told = relived(lived.home)
    assert code == 1 and not told["is_identical"]
    assert differs <= {name for name, one in told["facts"].items() if not one["is_identical"]}


@pytest.mark.soak
def test_an_act_that_is_left_out_makes_those_that_rest_on_it_impossible(
    lived: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relived_world, "recorded_run", lambda tx, learner: skipped(recorded_run(tx, learner)))
    code, told = relived(lived.home)
    assert code == 2
    assert "`rollout start` of tiny-1.1 at 2018-02-12 03:00 UTC cannot be done again" in told["error"]["what"]


def promoting_amid_a_run(monkeypatch: pytest.MonkeyPatch, operator: Operator, at: datetime) -> list[Thread]:
    """While a decision is worked out, a person lets another version serve, from elsewhere."""
    answers, begun = signalling.answers_of, list[Thread]()

    def slowly(*arguments: Any) -> list[Answer]:
        if not begun and arguments[3][0].bar.closed_at == at:
            begun.append(Thread(target=lambda: operator.ask("rollback", "tiny")))
            begun[0].start()
            begun[0].join(1.5)  # longer than the act takes where nothing holds it up
        return answers(*arguments)

    monkeypatch.setattr(signalling, "answers_of", slowly)
    return begun


MORNING = (
    asks(1, "triggers", "pause", "tiny"),
    asks(1.25, "triggers", "retrain", "tiny"),
    asks(2.25, "triggers", "resume", "tiny"),
    asks(2.5, "promote", "tiny-1.1"),
)
"""So that a second version serves."""


def test_an_act_in_the_middle_of_a_run_waits_for_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = operator_in(tmp_path / "home")
    with monkeypatch.context() as patch:
        begun = promoting_amid_a_run(patch, operator, datetime.fromisoformat("2018-02-12T05:00+00:00"))
        assert live_with(operator, MORNING, patch, "6h") == 0
        begun[0].join()
    assert operator.acts_on_record()["rollback"] == 1
    code, told = relived(operator.home)
    counts = counts_of(told)
    assert code == 0 and counts["alias moves"] == 3


@pytest.mark.soak
def test_a_life_on_postgresql_is_lived_again_there_and_on_sqlite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres: Databases
) -> None:
    urls = [postgres.create() for _ in range(2)]
    here, there = (one.render_as_string(hide_password=False) for one in urls)
    operator = operator_in(tmp_path / "home")
    acts = [one for one in every_kind("tiny") if one.after < 12]
    with monkeypatch.context() as patch:
        patch.setenv("PAWL_DATABASE_URL", here)
        assert live_with(operator, acts, patch, "12h") == 0
        for arguments in ((), ("--database", there)):
            code, told = relived(operator.home, *arguments)
            counts = counts_of(told)
            assert code == 0 and counts["alias moves"] == 3 and counts["A/B tests"] == 2
        assert relived(operator.home, "--database", there)[0] == 2  # somebody lives there
    for one in urls:
        postgres.drop(one)


@pytest.mark.soak
def test_acts_at_any_moment_of_a_loop_that_waits_for_nobody_are_lived_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a speed: trainings beside the loop, answers that take time, and a person who does not look when the loop is
    between two runs."""
    monkeypatch.undo()
    let_pass(monkeypatch)
    operator, over = operator_in(tmp_path / "home"), Event()
    kept = [("promote", f"tiny-1.{n}") for n in range(1, 7)]
    ends = [("rollout", "abort", f"tiny-1.{n}", "--reason", "no") for n in range(1, 7)]
    again = [("gate", "judge", f"tiny-1.{n}") for n in range(1, 7)]  # what was aborted may be promoted then
    acts = (
        *(("triggers", one, "tiny") for one in ("pause", "retrain", "resume")),
        *(act for three in zip(kept, ends, again, strict=True) for act in three),
        ("rollback", "tiny"),
    )

    def works() -> None:
        for arguments in itertools.cycle(acts):
            if over.wait(0.05):
                return
            with redirect_stdout(io.StringIO()):
                run([*arguments, "--home", str(operator.home), "--json"])  # many are refused, and nothing is done then

    person = Thread(target=works)
    with monkeypatch.context() as patch:
        starts = Act(after=0.25, behind="positions", does=lambda _: person.start())
        assert live_with(operator, (starts,), patch, "12h", "--speed", "1200") == 0
    over.set()
    person.join()
    found = operator.acts_on_record()
    assert found["promote"] and found["rollback"] and sum(found.values()) >= 20, found
    code, told = relived(operator.home)
    counts = counts_of(told)
    assert code == 0 and counts["alias moves"] >= 3 and counts["rollout moves"] >= 2, counts


def piece(operator: Operator, doom: str) -> int:
    """One process of a life; its exit code."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "LOOP_DOOM": doom}
    command = [sys.executable, str(TESTS / "doomed_loop.py"), "up", "tiny", "--speed", "max", "--for", "9h"]
    home = ("--home", str(operator.home), "--port", "0")
    return subprocess.run([*command, *home], env=environment, capture_output=True, check=False).returncode


@pytest.mark.soak
def test_a_life_in_pieces_is_lived_again_as_one(tmp_path: Path) -> None:
    """Killed and ended between runs, started again, and acted on while nobody ran it."""
    operator = operator_in(tmp_path / "home")
    assert piece(operator, "1.25 positions SIGKILL") == -signal.SIGKILL
    operator.ask("triggers", "pause", "tiny")
    operator.ask("triggers", "retrain", "tiny")
    assert piece(operator, "3 signals SIGTERM") == 0
    operator.ask("triggers", "resume", "tiny")
    operator.ask("promote", "tiny-1.1")
    assert piece(operator, "6 rollouts SIGKILL") == -signal.SIGKILL
    operator.ask("rollback", "tiny")
    assert piece(operator, "") == 0
    assert sum(operator.acts_on_record().values()) == 5
    code, told = relived(operator.home)
    counts = counts_of(told)
    assert code == 0 and counts["alias moves"] == 3 and counts["decisions"] >= 2 * 9


@pytest.mark.soak
def test_two_lives_in_one_workspace_are_each_lived_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = operator_in(tmp_path / "home")
    other = replace(operator, learner="mini")
    assert live_with(operator, (asks(2, "triggers", "pause", "tiny"),), monkeypatch, "4h") == 0
    assert live_with(other, (asks(2, "triggers", "retrain", "mini"),), monkeypatch, "6h") == 0
    for name, n_decisions in (("tiny", 2 * 4), ("mini", 2 * 3)):
        code, told = relived(operator.home, "--learner", name)
        counts = counts_of(told)
        assert code == 0 and counts["decisions"] >= n_decisions and counts["trigger firings"] == 1


def test_what_cannot_be_lived_again_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = operator_in(tmp_path / "home")
    trained = asks(2, "train", "tiny", "--to", "2018-02-12", behind="signals")
    assert live_with(operator, (trained,), monkeypatch, "3h") == 0
    code, told = relived(operator.home)
    what = "`train` at 2018-02-12 02:00 UTC cannot be done again: a training that a person holds"
    assert code == 2 and what in told["error"]["what"]


def test_an_act_before_the_first_run_has_no_instant(tmp_path: Path) -> None:
    operator = operator_in(tmp_path / "home")
    operator.ask("token", "create", "operator")
    operator.ask("triggers", "retrain", "tiny")
    operator.ask("up", "tiny", "--speed", "max", "--for", "1h", "--port", "0")
    code, told = relived(operator.home)
    assert code == 2 and "`retrain` at" in told["error"]["what"]
    assert "before the loop had run for the first time" in told["error"]["what"]
