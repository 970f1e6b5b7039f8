"""`pawl explain` of what POST /predict answered."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger_world import promoted
from pawl.cli.main import run
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import inference_logs
from pawl.ledger.inferences import append_inferences
from recorded_decision import INFERENCE

SAID = replace(
    INFERENCE,
    trace_id="p/1",
    prompt_payload={"ticker": "EURUSD", "timeframe": "15m", "bar_timestamp": "2026-01-05T00:00:00Z", "n_bars": 600},
    response_payload={"signal": "hold", "confidence": 0.6},
)


def test_an_answer_of_predict_leads_back_to_its_version(
    tmp_path: Path, sqlite_ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite_ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        append_inferences(tx, [SAID])
    assert run(["explain", "p/1", "--json", "--home", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["model_version"], told["inference_id"]) == ("m002-1.0", str(SAID.inference_id))
    assert told["train_job_id"] and told["dataset_version_id"]
    assert (told["identical"], told["broken_rows"], told["decision"]["signal"]) == (None, [], "hold")
    assert run(["explain", "p/1", "--home", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "hold EURUSD, on the bar of 2026-01-05T00:00:00Z" in out and "not derived again" in out


def test_a_row_that_was_edited_is_an_honest_no(
    tmp_path: Path, sqlite_ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite_ledger.transaction() as tx:
        promoted(tx, "m002-1.0", on=1)
        append_inferences(tx, [SAID])
    with sqlite_ledger.transaction() as tx:
        for (name,) in tx.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            tx.execute(sa.text(f"DROP TRIGGER {name}"))
        tx.execute(sa.update(inference_logs).values(response_payload={"signal": "buy", "confidence": 0.6}))
    assert run(["explain", "p/1", "--json", "--home", str(tmp_path)]) == 1
    assert json.loads(capsys.readouterr().out)["broken_rows"]
