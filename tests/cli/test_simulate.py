"""`pawl simulate users` and `pawl explain` of what its users decided, as one types them."""

import sqlite3
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pawl.cli.main import run
from pawl.ledger.database import LEDGER_FILE
from small_workspace import Ask

CROWD = ("simulate", "users", "--days", "4", "--users", "10", "--seed", "5")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which a small crowd has lived; no test changes it."""
    folder = tmp_path_factory.mktemp("crowd")
    assert run([*CROWD, "--home", str(folder)]) == 0
    return folder


def traces(home: Path) -> list[str]:
    with sqlite3.connect(home / LEDGER_FILE) as db:
        ordered = db.execute("SELECT DISTINCT trace_id FROM passport_event_outbox ORDER BY trace_id")
        return [str(trace) for (trace,) in ordered]


def test_the_answer_counts_every_layer(tmp_path: Path, ask: Ask) -> None:
    code, answer = ask(tmp_path, *CROWD[:3], "2", *CROWD[4:])
    assert code == 0
    assert {"L0", "L1", "L2", "L3", "L4", "labels", "datasets", "personas", "requests", "seconds"} <= {*answer}
    assert answer["L0"] == sum(answer["requests"].values()) > 0
    assert answer["L1"] == sum(answer["labels"].values()) > 0
    assert (answer["days"], answer["users"], answer["seed"]) == (2, 10, 5)
    assert answer["personas"]["no_stopper"]["weakness"] == "no_stop_loss"
    for built in answer["datasets"].values():
        assert ("refused" in built) == (built["dataset_version_id"] is None)


def test_a_workspace_with_decisions_is_refused(home: Path, ask: Ask) -> None:
    code, answer = ask(home, *CROWD)
    assert (code, answer["error"]["code"]) == (1, "refused")


@pytest.mark.parametrize("option", [("--days", "0"), ("--users", "0"), ("--seed", "-1")])
def test_a_crowd_that_cannot_be_is_bad_input(tmp_path: Path, option: tuple[str, str]) -> None:
    assert run(["simulate", "users", *option, "--home", str(tmp_path)]) == 2


def test_a_person_reads_the_layers_and_the_personas(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "users", "--days", "1", "--users", "8", "--home", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    for words in ("8 users acted for 1 days", "L0", "preference pairs", "overbought_chaser", "Next: pawl explain"):
        assert words in said


def explained(home: Path, ask: Ask) -> dict[str, Any]:
    """The first decision of the crowd that was recommended and has ended."""
    for trace in traces(home):
        code, answer = ask(home, "explain", trace)
        assert code == 0
        if answer["outcome"] is not None and answer["inference_id"] is not None:
            found: dict[str, Any] = answer
            return found
    raise AssertionError("no decision of the crowd has ended")


def test_a_decision_of_the_service_is_explained(home: Path, ask: Ask) -> None:
    answer = explained(home, ask)
    assert (answer["identical"], answer["folded"]) == (True, True)
    assert answer["model_version"] == "policy-1.0"
    assert [event["event_type"] for event in answer["events"]][-1] == "trade.closed"
    assert answer["decision"]["action"]["trade_id"]
    for name in ("user_id", "inference_id", "source_event_id", "trajectory_id"):
        UUID(answer[name])
    assert (answer["differences"], answer["broken_rows"]) == ([], [])


def test_a_person_reads_where_it_came_from(home: Path, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    trace = explained(home, ask)["trace_id"]
    assert run(["explain", trace, "--home", str(home)]) == 0
    said = capsys.readouterr().out
    for words in ("the same to the byte", "policy-1.0", "trade.closed", "bps, utility"):
        assert words in said


@pytest.mark.parametrize(
    ("table", "change", "field", "words"),
    [
        ("decision_trajectories", "outcome_features = '{}'", "differences", "NOT the same"),
        ("passport_event_outbox", "event_type = 'trade.lost'", "broken_rows", "NOT what was written"),
    ],
)
def test_a_ledger_that_was_changed_is_an_honest_no(
    home: Path, tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str], table: str, change: str, field: str,
    words: str,
) -> None:  # fmt: skip
    trace = explained(home, ask)["trace_id"]
    with sqlite3.connect(home / LEDGER_FILE) as source, sqlite3.connect(tmp_path / LEDGER_FILE) as copy:
        source.backup(copy)
        for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            copy.execute(f"DROP TRIGGER {name}")
        copy.execute(f"UPDATE {table} SET {change} WHERE trace_id = ?", (trace,))
    code, answer = ask(tmp_path, "explain", trace)
    assert (code, answer["identical"]) == (1, False)
    assert answer[field]
    assert run(["explain", trace, "--home", str(tmp_path)]) == 1
    assert words in capsys.readouterr().out


def test_an_unknown_trace_is_told_where_the_service_has_decisions_too(home: Path, ask: Ask) -> None:
    code, answer = ask(home, "explain", "u/nothing")
    assert (code, answer["error"]["code"]) == (2, "not_found")
