"""Files that are old or new, never between."""

import os
from pathlib import Path

import pytest

from pawl.errors import StorageError
from pawl.lake.atomic import clean_leftovers, locked, write_atomically


def test_a_write_makes_its_folders_and_replaces_what_stood(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"os.{step}", fail)
    with pytest.raises(StorageError, match="No space left on device") as caught:
        write_atomically(path, b"new")
    assert caught.value.where == str(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_of_the_dead_are_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = tmp_path / "part-0.parquet"
    kept.write_bytes(b"whole")
    (tmp_path / ".part-0.parquet.123.tmp").write_bytes(b"ha")
    clean_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == [kept]


def test_a_lock_in_a_place_that_is_no_folder_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError), locked(tmp_path / "file" / ".lock"):
        pass


def test_an_error_inside_the_lock_passes_and_lets_go(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside"), locked(tmp_path / ".lock"):
        raise ValueError("inside")
    with locked(tmp_path / ".lock"):
        pass


def test_a_reader_of_the_old_file_never_sees_half_of_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_atomically(path, b"old")
    with path.open("rb") as reader:
        write_atomically(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_folder_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        write_atomically(tmp_path / "file" / "report.html", b"new")
