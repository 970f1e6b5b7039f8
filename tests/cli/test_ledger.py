"""`pawl ledger verify`, over a workspace's own ledger and over one of its replays."""

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ledger_world import day
from pawl.cli.main import run
from pawl.ledger.database import Ledger
from pawl.ledger.replay_log import ReplayRow, append_rows, open_replay
from pawl.ledger.write_paths import apply_writes
from user_commands import close_trade, open_trade, track_signal, trade_of


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace in whose ledger, and in that of a replay, something happened."""
    ledger = Ledger.open(tmp_path)
    with ledger.transaction() as tx:
        commands = [track_signal("s"), open_trade("o"), close_trade("x", trade_of("o"), day(1))]
        apply_writes(tx, commands, day(2))
    ledger.close()
    replayed = Ledger.open(tmp_path / "replays" / "first")
    with replayed.transaction() as tx:
        replay = open_replay(tx, {"seed": 1}, day(0))
        row = ReplayRow(virtual_time=day(0), learner="m002", policy="gated", ticker="X", kind="decision", payload={})
        append_rows(tx, replay, [row], day(0))
    replayed.close()
    return tmp_path


def verify(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = run(["ledger", "verify", *arguments, "--home", str(home), "--json"])
    return code, json.loads(capsys.readouterr().out)


def attack(folder: Path, *statements: str) -> None:
    ledger = Ledger.open(folder)
    with ledger.transaction() as tx:
        for statement in statements:
            tx.execute(sa.text(statement))
    ledger.close()


def test_a_ledger_that_is_whole_is_rows_and_no_break(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify(home, capsys) == (0, {"rows": 4, "breaks": []})
    assert verify(home, capsys, "--replay", "first") == (0, {"rows": 1, "breaks": []})
    assert run(["ledger", "verify", "--home", str(home)]) == 0
    assert capsys.readouterr().out.startswith("whole: 4 rows are as they were written")


def test_a_break_is_named_and_the_answer_is_no(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    attack(
        home,
        "DROP TRIGGER passport_event_outbox_no_update",
        "UPDATE passport_event_outbox SET trace_id = 'another' WHERE chain_number = 2",
    )
    code, answer = verify(home, capsys)
    assert code == 1
    assert set(answer) == {"rows", "breaks"}
    edited, disagrees = answer["breaks"]
    assert (edited["table"], edited["month"], edited["number"]) == ("passport_event_outbox", "2024-01", 2)
    assert edited["what"] == "was edited: it does not give its hash"
    assert edited["row"] == str(open_trade("o").event_id)
    assert (disagrees["table"], disagrees["row"]) == ("quick_trades", str(trade_of("o")))
    assert run(["ledger", "verify", "--home", str(home)]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("broken: 2 breaks in 4 rows.\n  passport_event_outbox")
    assert "(row 2 of 2024-01): was edited" in printed


def test_many_breaks_are_counted_and_some_of_them_printed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = Ledger.open(home)
    with ledger.transaction() as tx:
        apply_writes(tx, [open_trade(f"k{number}") for number in range(40)], day(2))
    ledger.close()
    attack(home, "DROP TRIGGER quick_trades_no_update", "UPDATE quick_trades SET size = size + 1")
    assert run(["ledger", "verify", "--home", str(home)]) == 1
    printed = capsys.readouterr().out
    assert "broken: 41 breaks in 44 rows." in printed
    assert "… and 21 more" in printed


def test_the_log_of_a_replay_is_verified_by_its_name(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    attack(home / "replays" / "first", "DROP TRIGGER replay_log_no_update", "UPDATE replay_log SET payload = '[]'")
    code, answer = verify(home, capsys, "--replay", "first")
    assert (code, [one["table"] for one in answer["breaks"]]) == (1, ["replay_log"])
    assert verify(home, capsys)[0] == 0


def test_where_nothing_was_recorded_the_command_says_so(tmp_path: Path) -> None:
    assert run(["ledger", "verify", "--home", str(tmp_path), "--json"]) == 2
    assert run(["ledger", "verify", "--replay", "none", "--home", str(tmp_path), "--json"]) == 2
