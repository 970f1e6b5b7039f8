"""The rows of a version have one hash, in memory and in their file."""

from pathlib import Path

import polars as pl
import pytest

from pawl.datasets import rows_file
from pawl.datasets.layers import Layer
from pawl.datasets.rows_file import file_hash, layer_hash, write_rows
from pawl.errors import StorageError


def layer(*values: float) -> Layer:
    source = pl.DataFrame({"n": list(values), "t": [f"ü {value}\n" for value in values]})
    return Layer(source, (pl.col("t"), (pl.col("n") * 2).alias("twice")), {}, pl.Series([], dtype=pl.String))


def test_the_hash_is_of_the_rows_and_their_order_not_of_the_pieces(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = layer_hash(layer(1.0, 2.0, 3.0))
    write_rows(layer(1.0, 2.0, 3.0), tmp_path / "a" / "rows.parquet")
    monkeypatch.setattr(rows_file, "ROWS_AT_ONCE", 2)
    assert layer_hash(layer(1.0, 2.0, 3.0)) == whole
    assert file_hash(tmp_path / "a" / "rows.parquet") == whole
    assert layer_hash(layer(1.0, 3.0, 2.0)) != whole
    assert layer_hash(layer(1.0, 2.0, 3.5)) != whole


def test_a_file_that_stands_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    write_rows(layer(1.0), path)
    before = path.read_bytes()
    write_rows(layer(2.0), path)
    assert path.read_bytes() == before
    assert oct(path.stat().st_mode)[-3:] == "444"


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        write_rows(layer(1.0), tmp_path / "file" / "rows.parquet")
    broken = Layer(layer(1.0).source, (pl.col("absent"),), {}, pl.Series([], dtype=pl.String))
    with pytest.raises(StorageError):
        write_rows(broken, tmp_path / "rows.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
