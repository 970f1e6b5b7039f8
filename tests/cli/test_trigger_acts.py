"""`pawl triggers ls|pause|resume|retrain`: what they print, and what they leave in the ledger."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger_world import day, trained
from pawl.cli.main import run
from pawl.ledger.database import Ledger
from pawl.ledger.loop_tables import loop_outbox
from pawl.ledger.schedule_runs import take_up
from pawl.ledger.trigger_firings import NewFiring, answer, is_paused, list_firings, record_firing, record_worth, waiting

DRIFT = NewFiring(
    learner="m002", kind="feature_drift", effect="retrain", at=day(3), values={"psi": 0.31}, reason="ret_1 has drifted"
)


@pytest.fixture
def home(tmp_path: Path, sqlite_ledger: Ledger) -> Path:
    """A workspace whose loop has run for day 5, and in which one firing led to a training that was worth it."""
    with sqlite_ledger.transaction() as tx:
        job_id = trained(tx, "m002-1.0")
        record_firing(tx, DRIFT)
        answer(tx, [DRIFT.firing_id], job_id)
        worth = {"version": "m002-1.0", "stayed": "m002-0.9", "n_pairs": 80, "n_blocks": 20, "mean_bps": 4.25,
                 "beat_doing_nothing": True, "why": None}  # fmt: skip
        record_worth(tx, DRIFT.firing_id, worth, day(30))
        take_up(tx, "live m002 positions", day(5), day(5))
    return tmp_path


def asked(home: Path, *arguments: str) -> int:
    return run(["triggers", *arguments, "--home", str(home)])


def test_what_fired_is_listed_with_what_it_led_to(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(home, "ls", "--json") == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["kind"], one["values"], one["by"], one["is_open"]) == (
        "feature_drift",
        {"psi": 0.31},
        "triggers",
        False,
    )
    assert one["worth"]["beat_doing_nothing"] is True and one["train_job_id"]
    assert asked(home, "ls", "m002") == 0
    text = capsys.readouterr().out
    assert "beat doing nothing (+4.2 bps in 20 blocks)" in text and "m002-1.0" in text and "ret_1 has drifted" in text
    assert asked(home, "ls", "reversal") == 0
    assert capsys.readouterr().out == "nothing fired.\n"


def test_rev_r42_a_person_pauses_and_resumes_and_both_stand_in_the_ledger(
    home: Path, sqlite_ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    """REV-R42 by hand: dated with the clock of the loop, told to everybody, refused where it changes nothing."""
    assert asked(home, "pause", "m002", "--reason", "holiday") == 0
    assert "Back: pawl triggers resume m002" in capsys.readouterr().out
    with sqlite_ledger.reading() as tx:
        (paused,) = [one for one in list_firings(tx) if one.effect == "pause"]
        assert is_paused(tx, "m002", day(5)) and (paused.at, paused.fired_by) == (day(5), "pawl triggers")
    assert asked(home, "pause", "m002") == 1
    assert asked(home, "resume", "m002", "--reason", "back", "--json") == 0
    assert json.loads(capsys.readouterr().out)["ended"] == ["by_hand"]
    assert asked(home, "resume", "m002") == 1
    with sqlite_ledger.reading() as tx:
        assert not is_paused(tx, "m002", day(5))
        alerts = sa.select(loop_outbox.c.payload).where(loop_outbox.c.topic == "alert")
        told = [row["is_over"] for row in tx.execute(alerts).scalars()]
    assert told == [False, True]


def test_a_person_asks_for_a_training(home: Path, sqlite_ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(home, "retrain", "m002", "--reason", "new data") == 0
    with sqlite_ledger.reading() as tx:
        (one,) = waiting(tx, "m002")
    assert (one.kind, one.reason, one.at) == ("by_hand", "new data", day(5))
    assert asked(home, "retrain", "m002") == 1  # the loop has not moved on since
    assert asked(home, "ls") == 0
    assert "waits for a training" in capsys.readouterr().out


def test_a_learner_that_nobody_knows_is_refused(home: Path) -> None:
    assert asked(home, "pause", "nobody") == 2
