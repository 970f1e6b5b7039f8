"""How a decision without a trajectory is told; what else is told of one is tested with the crowd, in test_simulate."""

from pathlib import Path

import pytest

from decision_events import opened, record
from pawl.cli.main import run
from pawl.ledger.database import Ledger
from small_workspace import Ask


def test_an_own_idea_that_is_not_folded_yet(tmp_path: Path, ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    ledger, row = Ledger.open(tmp_path), opened("a")
    with ledger.transaction() as tx:
        record(tx, [row])
    ledger.close()
    code, answer = ask(tmp_path, "explain", row["trace_id"])
    assert (code, answer["identical"], answer["folded"]) == (0, True, False)
    assert (answer["trajectory_id"], answer["decision"], answer["inference_id"]) == (None, None, None)
    assert run(["explain", row["trace_id"], "--home", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "no trajectory yet" in said
    assert "the user's own idea" in said
