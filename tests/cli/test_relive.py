"""`pawl relive`: a life with trainings and operators' acts is played again, and a changed record is seen."""

import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from pawl.cli.main import run
from pawl.jobs.live.received import keep_page, kept_page
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import live_entries
from pawl.ledger.live_tables import live_log
from tampering import tamper

TESTS = Path(__file__).parent.parent
SETTINGS = f"""
n_jobs = 1
[learners]
tiny = "{TESTS / "quarter_hours.py"}"
"""
ACTS = (
    ("triggers", "pause", "tiny", "--reason", "a holiday"),
    ("triggers", "resume", "tiny", "--reason", "back again"),
    ("triggers", "retrain", "tiny"),
)


def live(home: Path, speed: str, length: str) -> None:
    """A stretch of a life."""
    assert run(["up", "tiny", "--speed", speed, "--for", length, "--home", str(home), "--port", "0", "--json"]) == 0


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A life of four stretches, with what a person did between them; no test changes it."""
    home = tmp_path_factory.mktemp("lived")
    (home / "settings.toml").write_text(SETTINGS)
    for act in ACTS:
        live(home, "max", "1h")
        assert run([*act, "--home", str(home)]) == 0
    live(home, "max", "2h")
    return home


@pytest.fixture
def copied(lived: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copytree(lived, tmp_path / "copy"))


def relived(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """Play it again: the exit code and the answer."""
    capsys.readouterr()
    code = run(["relive", "--home", str(home), "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def changed_entry(home: Path, kind: str, name: str, payload: dict[str, Any] | None, at: datetime | None = None) -> None:
    """Change the payload of entries of the log, or take them out."""
    ledger, c = Ledger.open(home), live_log.c
    where = (c.kind == kind) & (c.name == name) & (sa.true() if at is None else c.at == at)
    with ledger.transaction() as tx:
        assert tamper(tx, live_log, where, None if payload is None else {"payload": payload}) == 1
    ledger.close()


def test_a_life_with_acts_and_trainings_is_lived_again_to_the_byte(
    lived: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = relived(lived, capsys, "--into", str(tmp_path / "again"))
    facts = told["facts"]
    assert {name: one for name, one in facts.items() if not one["is_identical"]} == {}
    assert code == 0 and told["is_identical"]
    assert facts["decisions"]["lived"]["n"] == 2 * 4 * 5 and facts["trigger firings"]["lived"]["n"] >= 2
    assert facts["versions"]["lived"]["n"] >= 2  # the first, and the one that was asked for
    assert (tmp_path / "again" / "ledger.db").exists()
    assert run(["relive", "--home", str(lived), "--into", str(tmp_path / "again")]) == 2


def test_an_act_that_is_missing_from_the_record_is_seen(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed_entry(copied, "act", "retrain", None)
    code, told = relived(copied, capsys)
    assert code == 1 and not told["is_identical"]
    assert not told["facts"]["trigger firings"]["is_identical"] and not told["facts"]["versions"]["is_identical"]
    assert told["facts"]["bars"]["is_identical"]


def test_a_page_that_was_changed_is_seen(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = Ledger.open(copied)
    with ledger.reading() as tx:
        pages = [
            one for one in live_entries(tx, "tiny", "received") if one.name == "collection" and one.payload["page"]
        ]
    ledger.close()
    entry = pages[len(pages) // 2]
    page = kept_page(copied, entry.payload["page"])
    other = keep_page(copied, page.with_columns(volume=pl.col("volume") + 1.0))
    changed_entry(copied, "received", "collection", {**entry.payload, "page": other}, entry.at)
    code, told = relived(copied, capsys)
    assert code == 1 and not told["facts"]["bars"]["is_identical"]
    # A file that was changed in place is not even read.
    path = next((copied / "received").rglob(f"{other}.parquet"))
    page.write_parquet(path)
    assert run(["relive", "--home", str(copied)]) != 0
    assert "is not what was received" in capsys.readouterr().err


def test_other_settings_and_another_learner_are_refused(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = copied / "settings.toml"
    path.write_text("seed = 8\n" + SETTINGS)
    assert run(["relive", "--home", str(copied)]) == 2
    assert "settings are not those" in capsys.readouterr().err
    assert run(["relive", "--home", str(copied), "--learner", "m002"]) != 0
    assert "no run of `m002` was recorded" in capsys.readouterr().err


def test_trainings_beside_the_loop_take_effect_where_they_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "fast"
    home.mkdir()
    (home / "settings.toml").write_text(SETTINGS)
    live(home, "max", "1h")
    assert run(["triggers", "retrain", "tiny", "--home", str(home)]) == 0
    live(home, "3600", "5h")
    ledger = Ledger.open(home)
    with ledger.reading() as tx:
        trainings = [one for one in live_entries(tx, "tiny", "training") if one.name == "trigger_training"]
    ledger.close()
    held = [one for one in trainings if one.payload.get("version")]
    assert held and any(one.payload["began_behind"] != one.payload["took_effect_behind"] for one in held)
    code, told = relived(home, capsys)
    assert {name: one for name, one in told["facts"].items() if not one["is_identical"]} == {}
    assert code == 0
