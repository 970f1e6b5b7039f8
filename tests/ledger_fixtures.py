"""A ledger of one's own, on SQLite and on PostgreSQL."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pawl.ledger.database import LEDGER_FILE, Ledger
from postgres import DATABASES, URL_VARIABLE, Databases, postgres_binaries, run_server

__all__ = [
    "empty_twin",
    "empty_url",
    "fresh_database",
    "fresh_ledger",
    "ledger",
    "postgres",
    "postgresql_ledger",
    "sqlite_ledger",
]

NO_SERVER = f"NO POSTGRESQL: the ledger was not tested on it. apt-get install postgresql, or set {URL_VARIABLE}"


@pytest.fixture(scope="session")
def fresh_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger that was just made."""
    home = tmp_path_factory.mktemp("ledger")
    Ledger.open(home).close()
    return home / LEDGER_FILE


@pytest.fixture(scope="session")
def postgres() -> Iterator[Databases]:
    """A PostgreSQL server; where there is none its tests are skipped, and say so, but never in CI."""
    named, binaries = os.environ.get(URL_VARIABLE), postgres_binaries()
    if named:
        yield from _databases(sa.make_url(named))
    elif binaries is not None:
        with run_server(binaries) as url:
            yield from _databases(url)
    elif os.environ.get("CI"):
        pytest.fail(NO_SERVER)
    else:
        pytest.skip(NO_SERVER)


def _databases(url: sa.URL) -> Iterator[Databases]:
    databases = Databases(url)
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def fresh_database(postgres: Databases) -> Iterator[sa.URL]:
    """A database with a ledger that was just made."""
    url = postgres.create()
    ledger = Ledger(url)
    ledger.make_current()
    ledger.close()
    yield url
    postgres.drop(url)


@pytest.fixture(params=DATABASES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.URL]:
    """A database of one's own with nothing in it."""
    if request.param == "sqlite":
        yield sa.URL.create("sqlite", database=str(tmp_path / LEDGER_FILE))
        return
    postgres: Databases = request.getfixturevalue("postgres")
    url = postgres.create()
    yield url
    postgres.drop(url)


@pytest.fixture(params=DATABASES)
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """A ledger of one's own, once on each database."""
    found: Ledger = request.getfixturevalue(f"{request.param}_ledger")
    return found


@pytest.fixture
def empty_twin(ledger: Ledger, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A database of the same kind as `ledger`, with nothing in it."""
    if ledger.engine.dialect.name == "sqlite":
        twin = Ledger(sa.URL.create("sqlite", database=str(tmp_path / "twin.db")))
        yield twin
        twin.close()
        return
    postgres: Databases = request.getfixturevalue("postgres")
    url = postgres.create()
    twin = Ledger(url)
    yield twin
    twin.close()
    postgres.drop(url)


@pytest.fixture
def sqlite_ledger(tmp_path: Path, fresh_ledger: Path) -> Iterator[Ledger]:
    """A ledger of one's own, in tmp_path."""
    shutil.copy(fresh_ledger, tmp_path / LEDGER_FILE)
    opened = Ledger.open(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def postgresql_ledger(postgres: Databases, fresh_database: sa.URL) -> Iterator[Ledger]:
    """A ledger of one's own, in a database of its own."""
    url = postgres.create(fresh_database)
    opened = Ledger(url)
    yield opened
    opened.close()
    postgres.drop(url)
