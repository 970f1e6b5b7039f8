"""A service of one's own, on SQLite and on PostgreSQL, asked through the real application."""

from collections.abc import Iterator

import pytest

from pawl.ledger.database import Ledger
from serving_world import World


@pytest.fixture(autouse=True)
def collector_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk through all that a process of tests holds takes half a second, at every model that is read."""
    monkeypatch.setattr("pawl.serving.model_shelf.keep_collector_out", lambda: None)


@pytest.fixture
def world(ledger: Ledger) -> Iterator[World]:
    """A service on a ledger of one's own, once on each database."""
    with World(ledger) as opened:
        yield opened


@pytest.fixture
def small_world(sqlite_ledger: Ledger) -> Iterator[World]:
    """A service on SQLite alone, for what does not reach the ledger."""
    with World(sqlite_ledger) as opened:
        yield opened
