"""`pawl relive`: a life with trainings and operators' acts is played again, and a changed record is seen."""

import json
import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from ledger_world import START, USER
from pawl.cli.main import run
from pawl.jobs.code_version import code_version
from pawl.jobs.live.received import keep_page, kept_page
from pawl.jobs.live.trade_arrivals import TRADES
from pawl.ledger.database import Ledger
from pawl.ledger.identity import identity
from pawl.ledger.live_log import live_entries
from pawl.ledger.live_tables import live_log
from pawl.ledger.model_versions import get_version
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.user_trades import OpenedTrade, open_trade
from pawl.ledger.version_tables import model_versions
from serving_world import World
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
    assert told["code"] == {"lived": [code_version()], "played": code_version(), "is_same": True}
    assert facts["decisions"]["lived"]["n"] == 2 * 4 * 5 and facts["trigger firings"]["lived"]["n"] >= 2
    assert facts["versions"]["lived"]["n"] >= 2  # the first, and the one that was asked for
    assert (tmp_path / "again" / "ledger.db").exists()
    assert run(["relive", "--home", str(lived), "--into", str(tmp_path / "again")]) == 2


def test_a_life_with_users_trades_is_lived_again_to_the_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Users act over HTTP between two stretches, beside a loop that runs on its own time; what the loop heard of, and
    when, is on record.
    """
    home = tmp_path / "traded"
    home.mkdir()
    (home / "settings.toml").write_text(SETTINGS.replace("quarter_hours", "always_long"))
    live(home, "max", "2h")
    ledger = Ledger.open(home)
    with World(ledger) as service:
        trades = [followed(service, signal) for signal in waiting(ledger)]
        assert len(trades) >= 4
        live(home, "max", "1h")
        for trade in trades[::2]:
            answer = service.post(f"/api/quick-trades/{trade}/close", {"exit_price": 101.0})
            assert answer.status_code == 201, answer.text
        service.opened()  # rests on nothing
    live(home, "max", "4h")
    with ledger.reading() as tx:
        n_real = tx.execute(sa.select(sa.func.count()).where(trading_signals.c.outcome_source == "real")).scalar_one()
        heard = live_entries(tx, "tiny", "received", (TRADES,))
    assert n_real == len(trades[::2])
    assert [(len(one.payload["opened"]), len(one.payload["closed"])) for one in heard] == [
        (len(trades), 0), (0, n_real),
    ]  # fmt: skip
    code, told = relived(home, capsys)
    assert {name: one for name, one in told["facts"].items() if not one["is_identical"]} == {}
    assert code == 0 and told["facts"]["users' trades"]["lived"]["n"] == len(trades)
    # One that its loop has not heard of by itself cannot have come at a known moment.
    stray = OpenedTrade(
        id=identity("trade", 1), user_id=USER, pair="X", opened_at=START, entry=1.0, signal_id=waiting(ledger)[-1]["id"]
    )
    with ledger.transaction() as tx:
        open_trade(tx, stray, START)
    ledger.close()
    assert run(["relive", "--home", str(home)]) == 1
    assert "when its loop heard of some of its users' trades is not on record" in capsys.readouterr().err


def waiting(ledger: Ledger) -> list[sa.RowMapping]:
    """Buys and sells without an outcome."""
    c = trading_signals.c
    with ledger.reading() as tx:
        chosen = sa.select(trading_signals).where(c.actual_outcome.is_(None), c.signal != "hold")
        return list(tx.execute(chosen.order_by(c.bar_timestamp, c.pair)).mappings())


def followed(service: World, signal: sa.RowMapping) -> str:
    """The id of a trade on a signal, opened now, whatever the time of the loop is."""
    named = str(signal["inference_id"])
    return service.opened(ticker=signal["pair"], side="long", entry_price=100.0, inference_id=named)


def test_an_act_that_is_missing_from_the_record_is_seen(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed_entry(copied, "act", "retrain", None)
    code, told = relived(copied, capsys)
    assert code == 1 and not told["is_identical"]
    assert not told["facts"]["trigger firings"]["is_identical"] and not told["facts"]["versions"]["is_identical"]
    assert told["facts"]["bars"]["is_identical"]


def test_a_page_that_was_changed_is_seen_and_the_code_is_named_where_it_is_another(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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
    let_another_code_have_trained_the_first(copied)
    now = code_version()
    assert run(["relive", "--home", str(copied)]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.startswith("different: ") and {"bars", "versions"} <= set(re.findall(r"\w+", printed.split("(")[0]))
    assert f"The life was lived by code 0.0.9+abcdef123456, then {now}; this is code {now}." in printed
    assert "versions may differ for that reason" in printed
    # A file that was changed in place is not even read.
    path = next((copied / "received").rglob(f"{other}.parquet"))
    page.write_parquet(path)
    assert run(["relive", "--home", str(copied)]) != 0
    assert "is not what was received" in capsys.readouterr().err


def let_another_code_have_trained_the_first(home: Path) -> None:
    ledger = Ledger.open(home)
    with ledger.transaction() as tx:
        first = get_version(tx, "tiny-1.0")
        other = {"certificate": {**first.certificate, "code": "0.0.9+abcdef123456"}}
        assert tamper(tx, model_versions, model_versions.c.version == first.version, other) == 1
    ledger.close()


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
