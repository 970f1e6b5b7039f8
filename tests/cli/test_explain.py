"""`pawl explain`: a decision, its cause, and whether it can be derived again."""

import json
import shutil
from pathlib import Path
from uuid import UUID

import pytest

from pawl.cli.main import run
from pawl.jobs.ledgers import replay_ledgers
from pawl.jobs.workspace import Workspace
from pawl.ledger.decision_tables import replay_log
from pawl.market.calendars import ALWAYS
from small_workspace import DAILY, NOW, Ask


def a_decision(home: Path) -> dict[str, str]:
    (ledger,) = replay_ledgers(home).values()
    with ledger.reading() as tx:
        chosen = replay_log.select().where(replay_log.c.kind == "decision").order_by(replay_log.c.row_number.desc())
        found: dict[str, str] = json.loads(tx.execute(chosen.limit(1)).one().payload)
        return found


def test_the_answer_leads_back_to_the_cause_and_is_identical(replayed: Path, ask: Ask) -> None:
    logged = a_decision(replayed)
    code, answer = ask(replayed, "explain", logged["trace_id"])
    assert code == 0
    keys = {"trace_id", "inference_id", "source_event_id", "trajectory_id", "dataset_version_id", "train_job_id"}
    assert keys | {"model_version", "decision", "identical"} <= {*answer}
    assert answer["identical"] is True
    assert {name: answer[name] for name in keys & {*logged}} == {name: logged[name] for name in keys & {*logged}}
    assert answer["model_version"] == logged["version"]
    for name in ("dataset_version_id", "train_job_id", "inference_id"):
        UUID(answer[name])


def test_a_decision_that_no_longer_follows_is_an_honest_no(tmp_path: Path, replayed: Path, ask: Ask) -> None:
    home = tmp_path / "copy"
    shutil.copytree(replayed, home)
    trace = a_decision(home)["trace_id"]
    silver = Workspace.at(home).silver
    first = silver.scan(DAILY, ["AAA"]).collect().head(1).drop("available_at", "session")
    silver.merge(first.with_columns(volume=first["volume"] + 1), DAILY, ALWAYS, source="test", now=NOW)
    code, answer = ask(home, "explain", trace)
    assert code == 1
    assert (answer["identical"], answer["dataset_identical"]) == (False, False)


def test_a_person_reads_the_answer(replayed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", a_decision(replayed)["trace_id"], "--home", str(replayed)]) == 0
    assert "the same to the byte" in capsys.readouterr().out


def test_an_unknown_trace_is_told(replayed: Path, ask: Ask) -> None:
    code, answer = ask(replayed, "explain", "no-such-trace")
    assert code == 2
    assert answer["error"]["code"] == "not_found"
