"""Which ledger a question is put to."""

from pathlib import Path

import pytest

from pawl.errors import NotFoundError
from pawl.jobs.ledgers import open_ledger
from pawl.ledger.database import Ledger


def test_the_workspace_and_each_replay_have_a_ledger_of_their_own(tmp_path: Path) -> None:
    Ledger.open(tmp_path)
    Ledger.open(tmp_path / "replays" / "abc-1")
    assert open_ledger(tmp_path, None).engine.url.database == str(tmp_path / "ledger.db")
    assert open_ledger(tmp_path, "abc-1").engine.url.database == str(tmp_path / "replays" / "abc-1" / "ledger.db")
    for name in ("abc-2", "..", "", "abc-1/../abc-1"):
        with pytest.raises(NotFoundError, match="no replay"):
            open_ledger(tmp_path, name)
