"""A page is on disk whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from pawl.errors import StorageError
from pawl.reports.write import write_report


def test_a_page_is_written_into_a_new_folder_for_everyone_to_read(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "m002-1.0.html"
    write_report(path, "<p>−3.4 %</p>")
    assert path.read_bytes() == "<p>−3.4 %</p>".encode()
    assert path.stat().st_mode & 0o777 == 0o644
    assert os.listdir(path.parent) == [path.name]


def test_a_reader_of_the_old_page_never_sees_half_of_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, "old")
    with path.open() as reader:
        write_report(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"


def test_a_full_disk_leaves_the_page_that_stood_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    write_report(path, "old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device") as refused:
        write_report(path, "new")
    assert refused.value.where == str(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == [path.name]


def test_a_folder_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="the report was not written"):
        write_report(tmp_path / "file" / "report.html", "new")
