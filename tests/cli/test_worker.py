"""`pawl worker` works until idle or until it is told to stop, as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from decision_events import record, tracked
from pawl.cli.main import run
from pawl.jobs.durable import ENGINE_FILE
from pawl.ledger.database import Ledger
from pawl.ledger.outbox import count_pending
from worker_world import furnish, record_chains

MAIN = "import sys; from pawl.cli.main import main; main()"


def command(home: Path, *arguments: str) -> "subprocess.Popen[str]":
    """A process of the command."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", MAIN, *arguments, "--home", str(home), "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process: "subprocess.Popen[str]") -> Any:
    """What it printed; it ended well and wrote no log on stdout."""
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return json.loads(printed)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace with decisions in its outbox."""
    furnish(tmp_path)
    ledger = Ledger.open(tmp_path)
    record_chains(ledger, 5)
    ledger.close()
    return tmp_path


def pending(home: Path) -> int:
    ledger = Ledger.open(home)
    with ledger.reading() as tx:
        n = count_pending(tx)
    ledger.close()
    return n


def test_it_works_until_nothing_is_left_and_what_fails_is_parked_and_let_go(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger.open(home)
    with ledger.transaction() as tx:
        record(tx, [tracked("poison", version=2)])
    worked = answer(command(home, "worker", "--role", "trajectory", "--until-idle"))
    assert worked["n_enqueued"]["trajectory-worker"] >= 2 + 3
    assert pending(home) == 0
    assert (home / ENGINE_FILE).exists()
    (letter,) = answer(command(home, "dead-letters", "ls"))
    assert (letter["worker"], letter["attempts"], letter["status"]) == ("trajectory-worker", 4, "parked")
    assert run(["dead-letters", "ls", "--home", str(home)]) == 0
    assert "an event of version 2" in capsys.readouterr().out
    assert run(["dead-letters", "retry", letter["letter_id"], "--home", str(home)]) == 0
    assert "trajectory-worker tries" in capsys.readouterr().out
    assert pending(home) == 1
    assert run(["dead-letters", "retry", letter["letter_id"], "--home", str(home)]) == 1
    assert run(["dead-letters", "ls", "--home", str(home)]) == 0
    assert "nothing is parked." in capsys.readouterr().out
    ledger.close()


def test_one_look_does_what_there_is(home: Path) -> None:
    worked = answer(command(home, "worker", "--role", "trajectory", "--once"))
    assert worked["n_enqueued"] == {"trajectory-worker": 2}
    assert pending(home) == 0


def test_sigterm_ends_it_well(home: Path) -> None:
    process = command(home, "worker", "--role", "trajectory")
    until = time.monotonic() + 30
    while pending(home) and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert answer(process)["n_enqueued"] == {"trajectory-worker": 2}


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["--role", "cook"], "known roles: trajectory, dataset, train, eval, deploy, all"),
        (["--once", "--until-idle"], "give one of them"),
    ],
)
def test_what_makes_no_sense_is_told(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], fix: str
) -> None:
    assert run(["worker", *arguments, "--home", str(home), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["fix"] == fix


def test_an_unknown_letter_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wanted in ("x", "7c1b3b0e-5f0a-5b1e-9a55-6f2f0d9b4a11"):
        assert run(["dead-letters", "retry", wanted, "--home", str(home), "--json"]) == 2
        assert json.loads(capsys.readouterr().out)["error"]["fix"] == "list them: pawl dead-letters ls"
