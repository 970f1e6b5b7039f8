"""What the cycles work on."""

from pathlib import Path

from live_world import Ledger, Market, live_world


def test_a_world_names_its_learner_and_finds_its_ledger(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    world = live_world(tmp_path, sqlite_ledger, Market())
    assert world.name == "m002" and world.ledger is sqlite_ledger
