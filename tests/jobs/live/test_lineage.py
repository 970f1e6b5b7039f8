"""What ancestors have read is found again in their files."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from pawl.errors import CorruptArtifactError, NotFoundError
from pawl.jobs.live.lineage import READ_FILE, lineage_of, read_from_bytes, read_rows, read_to_bytes
from pawl.learners.reversal_daily import READ_SCHEMA
from training_world import THURSDAY, first_world

ROW = {"ticker": "EURUSD", "ts": THURSDAY, "window_start": THURSDAY - timedelta(hours=5), "t1": THURSDAY}


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    read = pl.DataFrame([ROW, {**ROW, "ticker": "USDJPY"}], schema=READ_SCHEMA)
    assert read_from_bytes({READ_FILE: read_to_bytes(read)}, "v").equals(read)
    assert read_to_bytes(read) == read_to_bytes(read.clone())


def test_rev_r16_a_version_that_does_not_say_what_it_read_is_never_compared() -> None:
    with pytest.raises(CorruptArtifactError, match="does not say"):
        read_from_bytes({}, "reversal-3.3-daily-20250402")


def test_a_full_version_is_its_own_base(tmp_path: Path) -> None:
    world = first_world(tmp_path)
    with world.ledger.reading() as tx:
        lineage = lineage_of(tx, "reversal-3.3")
        with pytest.raises(NotFoundError):
            lineage_of(tx, "reversal-9.9")
    assert (lineage.updates, lineage.base.version) == ((), "reversal-3.3")
    assert lineage.base_read_until == lineage.base.max_t1
    assert read_rows(world.workspace.artifacts, lineage).is_empty()
