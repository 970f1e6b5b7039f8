"""A ledger in a temporary workspace."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pawl.ledger.database import LEDGER_FILE, Ledger


@pytest.fixture(scope="session")
def fresh_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger that was just made."""
    home = tmp_path_factory.mktemp("ledger")
    Ledger.open(home).close()
    return home / LEDGER_FILE


@pytest.fixture
def ledger(tmp_path: Path, fresh_ledger: Path) -> Iterator[Ledger]:
    """A ledger of one's own, in tmp_path."""
    shutil.copy(fresh_ledger, tmp_path / LEDGER_FILE)
    opened = Ledger.open(tmp_path)
    yield opened
    opened.close()
