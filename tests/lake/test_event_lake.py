"""The event lake takes records in once, by day and user, and finds whoever changes what it holds."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid5

import polars as pl
import pytest

from pawl.errors import RefusalError
from pawl.lake.event_lake import EventLake, LakeFault, LakeRecord

START = datetime(2024, 3, 1, 22, tzinfo=UTC)
SPACE = UUID(int=7)


def made(number: int, user: int = 0, body: str | None = None) -> LakeRecord:
    return LakeRecord(
        event_id=uuid5(SPACE, f"event {number}"),
        table="passport_event_outbox",
        record_id=str(uuid5(SPACE, f"event {number}")),
        user_id=uuid5(SPACE, f"user {user}"),
        recorded_at=START + timedelta(hours=number),
        number=number,
        body=body or f'{{"n":{number}}}',
    )


RECORDS = [made(number, number % 2) for number in range(6)]


def files(home: Path) -> list[str]:
    return sorted(path.relative_to(home).as_posix() for path in (home / "events").glob("day=*/user=*/*"))


def test_pass_r4_the_lake_is_partitioned_by_day_and_user(tmp_path: Path) -> None:
    lake = EventLake(tmp_path)
    assert lake.append(RECORDS) == 6
    found = files(tmp_path)
    assert len(found) == 4
    for path in found:
        day, user = path.split("/")[1:3]
        rows = pl.read_parquet(tmp_path / path)
        assert {f"day={at:%Y-%m-%d}" for at in rows["recorded_at"]} == {day}
        assert {f"user={name}" for name in rows["user_id"]} == {user}
    assert lake.scan()["number"].to_list() == list(range(6))
    assert lake.scan(uuid5(SPACE, "user 1"))["number"].to_list() == [1, 3, 5]
    assert lake.verify() == []


def test_pass_r4_a_batch_written_twice_or_in_other_pieces_makes_nothing_new(tmp_path: Path) -> None:
    lake = EventLake(tmp_path)
    lake.append(RECORDS[:4])
    before = {path: (tmp_path / path).read_bytes() for path in files(tmp_path)}
    assert lake.append(RECORDS[:4]) == 0
    assert files(tmp_path) == sorted(before)
    assert lake.append(RECORDS[2:]) == 2
    assert {path: (tmp_path / path).read_bytes() for path in before} == before
    assert lake.scan().height == 6
    assert lake.append([]) == 0


def test_pass_r4_an_update_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    lake = EventLake(tmp_path)
    lake.append(RECORDS)
    with pytest.raises(RefusalError, match="another row"):
        lake.append([made(9), replace(RECORDS[2], body='{"n":"forged"}')])
    assert lake.scan()["body"].to_list() == [one.body for one in RECORDS]
    assert lake.verify() == []


def test_pass_r4_there_is_no_way_to_delete_and_files_are_read_only(tmp_path: Path) -> None:
    lake = EventLake(tmp_path)
    lake.append(RECORDS)
    assert {name for name in dir(lake) if not name.startswith("_")} == {"append", "root", "scan", "verify"}
    assert {oct((tmp_path / path).stat().st_mode & 0o777) for path in files(tmp_path)} == {"0o444"}
    assert {oct(path.stat().st_mode & 0o777) for path in (lake.root / "manifests").glob("*")} == {"0o444"}


def test_pass_r4_a_changed_a_missing_and_a_foreign_file_are_named(tmp_path: Path) -> None:
    lake = EventLake(tmp_path)
    lake.append(RECORDS)
    changed, missing = files(tmp_path)[:2]
    forged = pl.read_parquet(tmp_path / changed).with_columns(body=pl.lit("{}"))
    os.chmod(tmp_path / changed, 0o644)
    forged.write_parquet(tmp_path / changed)
    (tmp_path / missing).unlink()
    foreign = (tmp_path / changed).with_name("foreign.parquet")
    forged.write_parquet(foreign)
    found = {(fault.kind, f"events/{fault.path}") for fault in lake.verify()}
    assert found == {
        ("changed", changed), ("missing", missing), ("unlisted", foreign.relative_to(tmp_path).as_posix()),
    }  # fmt: skip


@pytest.mark.parametrize("deed", ["removed", "edited", "reordered"])
def test_pass_r4_manifests_hang_on_each_other(tmp_path: Path, deed: str) -> None:
    lake = EventLake(tmp_path)
    for one in RECORDS[:3]:
        lake.append([one])
    first, second, _ = sorted((lake.root / "manifests").glob("*.json"))
    if deed == "removed":
        first.unlink()
    elif deed == "edited":
        os.chmod(second, 0o644)
        second.write_text(second.read_text().replace('"n_rows": 1', '"n_rows": 2'))
    else:
        one, other = first.read_bytes(), second.read_bytes()
        for path, data in ((first, other), (second, one)):
            os.chmod(path, 0o644)
            path.write_bytes(data)
    assert LakeFault(kind="broken", path=f"manifests/{second.name}") in lake.verify()


def test_a_writer_killed_before_it_listed_its_files_leaves_nothing_double(tmp_path: Path) -> None:
    lake = EventLake(tmp_path)
    lake.append(RECORDS[:2])
    lake.append(RECORDS[2:4])
    newest = sorted((lake.root / "manifests").glob("*.json"))[-1]
    newest.unlink()  # its files stand, but nobody said so
    assert lake.scan().height == 2
    assert {fault.kind for fault in lake.verify()} == {"unlisted"}
    assert lake.append(RECORDS[2:]) == 4
    assert lake.scan()["number"].to_list() == list(range(6))
    assert lake.verify() == []


KILLED = """
import os, sys
from pathlib import Path
sys.path[:0] = {paths!r}
import pawl.lake.atomic as atomic
calls = 0
replace = os.replace
def dying(*arguments):
    global calls
    calls += 1
    if calls == {at}:
        os.kill(os.getpid(), 9)
    replace(*arguments)
os.replace = dying
import test_event_lake as told
told.EventLake(Path({home!r})).append(told.RECORDS)
"""


@pytest.mark.parametrize("at", range(1, 6))
def test_a_writer_killed_at_any_file_is_made_good_by_the_next(tmp_path: Path, at: int) -> None:
    paths = [str(Path(__file__).parent), *sys.path]
    code = KILLED.format(paths=paths, at=at, home=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    lake = EventLake(tmp_path)
    assert lake.scan().height == 0
    assert lake.append(RECORDS) == 6
    assert lake.verify() == []
    assert not list((tmp_path / "events").rglob("*.tmp"))
