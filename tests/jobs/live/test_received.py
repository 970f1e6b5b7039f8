"""Pages are kept under what they say."""

from pathlib import Path

import polars as pl
import pytest

from live_world import bar
from pawl.errors import CorruptArtifactError
from pawl.jobs.live.received import keep_page, kept_page
from pawl.market.bars import BAR_SCHEMA


def test_a_page_is_read_back_as_it_came(tmp_path: Path) -> None:
    page = pl.DataFrame([bar("EURUSD", 1, 1 / 3), bar("EURUSD", 0)], schema=BAR_SCHEMA, orient="row")
    name = keep_page(tmp_path, page)
    assert keep_page(tmp_path, page) == name != keep_page(tmp_path, page.reverse())
    assert kept_page(tmp_path, name).equals(page)
    (path,) = tmp_path.glob(f"received/*/{name}.parquet")
    page.with_columns(close=pl.lit(2.0)).write_parquet(path)
    with pytest.raises(CorruptArtifactError, match="not what was received"):
        kept_page(tmp_path, name)
    path.unlink()
    with pytest.raises(CorruptArtifactError):
        kept_page(tmp_path, name)
