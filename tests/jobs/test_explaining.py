"""From a decision back to its cause: the same bytes again, and whatever changed since is seen."""

import json
import sqlite3
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from pawl.errors import NotFoundError
from pawl.jobs.explaining import Explained, explain_trace
from pawl.jobs.replaying import SealedReplay
from pawl.jobs.workspace import Workspace
from pawl.ledger.database import LEDGER_FILE
from pawl.ledger.replay_log import read_rows
from pawl.market.calendars import ALWAYS
from pawl.registry.versions import VersionStore
from small_replay import NAME, learner, run
from small_workspace import DAILY, NOW, fill


@pytest.fixture
def home(tmp_path: Path) -> Path:
    fill(Workspace.at(tmp_path))
    return tmp_path


@pytest.fixture
def sealed(home: Path) -> SealedReplay:
    return run(home)


def explain(home: Path, trace_id: str, replay: str | None = None) -> Explained:
    return explain_trace(Workspace.at(home), lambda name: learner(), trace_id, replay)


def decisions(sealed: SealedReplay) -> list[dict[str, str]]:
    with VersionStore(sealed.home).ledger.reading() as tx:
        return [json.loads(row.payload) for row in read_rows(tx, sealed.replay_id) if row.kind == "decision"]


def test_every_kind_of_decision_is_derived_again_to_the_byte(home: Path, sealed: SealedReplay) -> None:
    logged = decisions(sealed)
    by_kind = {(one["version"], one["action"]): one for one in logged}
    assert {action for _, action in by_kind} >= {"flat", "short"}
    for one in [*by_kind.values(), logged[0], logged[-1]]:
        found = explain(home, one["trace_id"])
        assert found.is_identical
        assert (found.decision, found.model_version) == (one, one["version"])
        assert found.train_job_id is not None
        assert found.replay == sealed.home.name


def test_the_learner_of_the_version_is_the_one_asked_for(home: Path, sealed: SealedReplay) -> None:
    asked: list[str] = []
    explain_trace(Workspace.at(home), lambda name: (asked.append(name), learner())[1], sealed.newest_trace or "", None)
    assert asked == [NAME]


def test_a_bar_that_was_changed_since_is_seen(home: Path, sealed: SealedReplay) -> None:
    """Training bars make another dataset; a bar after the training, another decision."""
    last = decisions(sealed)[-1]
    silver = Workspace.at(home).silver
    is_its_bar = pl.col("ts") == datetime.fromisoformat(last["opened_at"])
    bar = silver.scan(DAILY, ["BBB"]).collect().filter(is_its_bar).drop("available_at", "session")
    changed = bar.with_columns(pl.col("close") * 0.98, pl.col("low") * 0.9)
    silver.merge(changed, DAILY, ALWAYS, source="test", now=NOW)
    found = explain(home, last["trace_id"])
    assert found.is_same_dataset
    assert not found.is_same_decision
    early = silver.scan(DAILY, ["AAA"]).collect().head(1).drop("available_at", "session")
    silver.merge(early.with_columns(pl.col("volume") + 1), DAILY, ALWAYS, source="test", now=NOW)
    assert not explain(home, last["trace_id"]).is_same_dataset


def test_a_decision_that_was_edited_in_the_log_is_seen(home: Path, sealed: SealedReplay) -> None:
    one = decisions(sealed)[-1]
    with sqlite3.connect(sealed.home / LEDGER_FILE) as db:
        db.execute("DROP TRIGGER replay_log_no_update")
        db.execute("UPDATE replay_log SET payload = replace(payload, '\"flat\"', '\"long\"') WHERE kind = 'decision'")
        db.execute("UPDATE replay_log SET payload = replace(payload, '\"short\"', '\"long\"') WHERE kind = 'decision'")
    found = explain(home, one["trace_id"])
    assert found.is_same_dataset
    assert not found.is_same_decision


def test_an_unknown_trace_or_replay_is_told(home: Path, sealed: SealedReplay) -> None:
    for trace, replay in (("none", None), ("%", None), ("", None), (sealed.newest_trace or "", "no-such-replay")):
        with pytest.raises(NotFoundError):
            explain(home, trace, replay)
