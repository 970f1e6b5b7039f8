"""The database itself: opened, written in transactions, and honest when it cannot be."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger_world import START, run_together, trained
from pawl.errors import CorruptArtifactError, InputError, RefusalError, StorageError
from pawl.ledger.database import LEDGER_FILE, Ledger
from pawl.ledger.version_number import claim_number, count_numbers

OPEN = """
import sys
from pawl.ledger.database import Ledger
Ledger(sys.argv[1]).make_current()
print("alembic" in sys.modules)
"""


def full(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)


def test_a_ledger_that_is_up_to_date_opens_without_alembic(empty_url: sa.URL) -> None:
    first, second = (
        subprocess.run([sys.executable, "-c", OPEN, full(empty_url)], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert (first.strip(), second.strip()) == ("True", "False")


def test_processes_that_open_a_new_ledger_at_once_all_find_the_tables(empty_url: sa.URL, tmp_path: Path) -> None:
    run_together(OPEN, [full(empty_url)], 3, tmp_path)
    ledger = Ledger(empty_url)
    with ledger.reading() as tx:
        assert count_numbers(tx, "m002") == 0
    ledger.close()


def test_a_transaction_that_fails_leaves_nothing(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.transaction() as tx:
        claim_number(tx, "m002", START)
        _ = 1 / 0
    with ledger.reading() as tx:
        assert count_numbers(tx, "m002") == 0


def test_a_reader_sees_one_state_while_another_writes(ledger: Ledger) -> None:
    with ledger.reading() as reader:
        assert count_numbers(reader, "m002") == 0
        with ledger.transaction() as writer:
            claim_number(writer, "m002", START)
        assert count_numbers(reader, "m002") == 0
    with ledger.reading() as reader:
        assert count_numbers(reader, "m002") == 1


def test_sqlite_keeps_references_and_waits_for_others(sqlite_ledger: Ledger) -> None:
    with sqlite_ledger.reading() as tx:
        found = {name: tx.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("foreign_keys", "busy_timeout")}
        assert tx.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    assert found == {"foreign_keys": 1, "busy_timeout": 30_000}


def test_a_broken_rule_is_a_refusal(ledger: Ledger) -> None:
    row = sa.text("INSERT INTO version_numbers VALUES ('m002', -1, 0, '2024-01-01')")
    with pytest.raises(RefusalError, match="ck_version_numbers_number"), ledger.transaction() as tx:
        tx.execute(row)


def test_a_value_that_fits_no_column_is_named(ledger: Ledger) -> None:
    with pytest.raises(InputError, match="carries no zone"), ledger.transaction() as tx:
        claim_number(tx, "m002", START.replace(tzinfo=None))


def test_a_text_that_is_too_long_is_refused_on_postgresql(postgresql_ledger: Ledger) -> None:
    with pytest.raises(InputError, match="does not fit its column"), postgresql_ledger.transaction() as tx:
        trained(tx, f"{'m' * 60}-1.0")


def test_no_error_shows_a_password(postgresql_ledger: Ledger) -> None:
    password = postgresql_ledger.engine.url.password
    assert password
    with pytest.raises(RefusalError) as refused, postgresql_ledger.transaction() as tx:
        tx.execute(sa.text("INSERT INTO version_numbers VALUES ('m002', -1, 0, '2024-01-01')"))
    assert str(password) not in str(refused.value)


def test_a_ledger_on_postgresql_without_its_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match=re.escape("pip install 'pawl-trading[postgres]'")) as refused:
        Ledger("postgresql://pawl:secret@127.0.0.1/pawl")
    assert "secret" not in str(refused.value)


def test_a_server_that_does_not_answer_is_named() -> None:
    with pytest.raises(StorageError, match="does not answer"):
        Ledger("postgresql://pawl@127.0.0.1:1/pawl").make_current()


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / LEDGER_FILE).write_bytes(b"not a database, whatever its name says " * 50)
    with pytest.raises(CorruptArtifactError, match="not a database"):
        Ledger.open(tmp_path)


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="does not answer"):
        Ledger.open(tmp_path / "file" / "home")


def test_a_ledger_of_a_newer_pawl_is_left_alone(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = 'r9999'"))
    with pytest.raises(InputError, match="does not know"):
        ledger.make_current()
