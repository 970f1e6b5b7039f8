"""The silver store is atomic: nothing is lost whatever dies, fills up or writes beside it."""

import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pawl.errors import StorageError
from pawl.lake.atomic import locked
from pawl.lake.silver import SilverStore
from pawl.market.bars import BAR_SCHEMA
from silver_store import DAILY, MakeBars, put

OLD = pl.col("ts") < datetime(2022, 3, 1, tzinfo=UTC)


def assert_sound(store: SilverStore, bars: pl.DataFrame) -> None:
    """Every bar of the first import is there once, others perhaps, and a second import completes the store."""
    silver = store.scan(DAILY).select(BAR_SCHEMA.names()).collect()
    assert not silver.select(pl.struct("ticker", "ts").is_duplicated().any()).item()
    assert silver.join(bars, on=BAR_SCHEMA.names(), how="anti").is_empty()
    assert bars.filter(OLD).join(silver, on=BAR_SCHEMA.names(), how="anti").is_empty()
    put(store, bars)
    assert_frame_equal(store.scan(DAILY).select(BAR_SCHEMA.names()).collect(), bars)
    assert not list(store._root.rglob("*.tmp"))


@pytest.mark.parametrize("call", ["replace", "fsync", "open"])
@pytest.mark.parametrize("nth", [1, 2, 4, 6])
def test_a_failure_at_any_step_leaves_the_old_bars_and_a_rerun_completes(
    store: SilverStore, four_years: pl.DataFrame, monkeypatch: pytest.MonkeyPatch, call: str, nth: int
) -> None:
    put(store, four_years.filter(OLD))
    calls = [0]
    target = Path if call == "open" else os
    original = getattr(target, call)

    def failing(*arguments: object, **options: object) -> object:
        if call != "open" or str(arguments[0]).endswith(".tmp"):
            calls[0] += 1
            if calls[0] == nth:
                raise OSError(28, "No space left on device")
        return original(*arguments, **options)

    monkeypatch.setattr(target, call, failing)
    with pytest.raises(StorageError, match="No space left"):
        put(store, four_years)
    monkeypatch.undo()
    assert_sound(store, four_years)


KILLED = """
    import os, signal, sys
    from datetime import UTC, datetime
    from pathlib import Path
    import polars as pl
    from pawl.lake.silver import SilverStore
    from pawl.market.bars import Timeframe

    home, bars, step, nth = Path(sys.argv[1]), pl.read_parquet(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    original, calls = getattr(os, step), [0]

    def deadly(*arguments):
        calls[0] += 1
        if calls[0] == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments)

    setattr(os, step, deadly)
    SilverStore(home).merge(bars, Timeframe.parse("1d"), None, source="test", now=datetime(2026, 1, 1, tzinfo=UTC))
"""


@pytest.mark.parametrize(("step", "nth"), [("replace", 1), ("replace", 3), ("fsync", 5), ("fsync", 8)])
def test_kill_9_loses_nothing_and_doubles_nothing(
    store: SilverStore, four_years: pl.DataFrame, tmp_path: Path, step: str, nth: int
) -> None:
    put(store, four_years.filter(OLD))
    file = tmp_path / "bars.parquet"
    four_years.write_parquet(file)
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path / "home"), str(file), step, str(nth)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    if step == "fsync":
        assert list(tmp_path.rglob("*.tmp")) or nth % 2 == 0, "it died with a file half-way"
    assert_sound(store, four_years)


FULL = """
    import resource, sys
    from datetime import UTC, datetime
    from pathlib import Path
    import polars as pl
    from pawl.errors import StorageError
    from pawl.lake.silver import SilverStore
    from pawl.market.bars import Timeframe

    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    store, bars, now = SilverStore(Path(sys.argv[1])), pl.read_parquet(sys.argv[2]), datetime(2026, 1, 1, tzinfo=UTC)
    try:
        store.merge(bars, Timeframe.parse("1d"), None, source="test", now=now)
    except StorageError as error:
        sys.exit(f"{error.code}: {error}")
"""


def test_a_disk_that_takes_no_more_is_one_clear_error_and_the_old_bars_stand(
    store: SilverStore, four_years: pl.DataFrame, tmp_path: Path
) -> None:
    put(store, four_years.filter(OLD))
    before = store.content_hash(DAILY)
    file = tmp_path / "bars.parquet"
    four_years.write_parquet(file)
    command = [sys.executable, "-c", textwrap.dedent(FULL), str(tmp_path / "home"), str(file)]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "storage: cannot write: File too large" in ended.stderr
    assert store.content_hash(DAILY) == before
    assert_sound(store, four_years)


WRITER = """
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    import polars as pl
    from pawl.lake.silver import SilverStore
    from pawl.market.bars import Timeframe
    from pawl.market.calendars import Calendar

    bars, now = pl.read_parquet(sys.argv[2]), datetime(2026, 1, 1, tzinfo=UTC)
    for piece in bars.iter_slices(450):
        SilverStore(Path(sys.argv[1])).merge(piece, Timeframe.parse("1d"), Calendar("24/7"), source="test", now=now)
"""


def test_two_writers_wait_for_each_other(four_years: pl.DataFrame, tmp_path: Path) -> None:
    odd = pl.int_range(pl.len()) % 2 == 1
    writers = []
    for name, half in (("odd", odd), ("even", ~odd)):
        file = tmp_path / f"{name}.parquet"
        four_years.filter(half).write_parquet(file)
        command = [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path / "home"), str(file)]
        writers.append(subprocess.Popen(command))
    assert [writer.wait(60) for writer in writers] == [0, 0]
    silver = SilverStore(tmp_path / "home").scan(DAILY).collect()
    assert_frame_equal(silver.select(BAR_SCHEMA.names()), four_years)
    assert set(silver.select(pl.col("session").diff().over("ticker")).to_series().drop_nulls()) == {1}


def test_a_writer_waits_while_another_holds_the_lock(store: SilverStore, make_bars: MakeBars, tmp_path: Path) -> None:
    file = tmp_path / "bars.parquet"
    make_bars("A", 10).write_parquet(file)
    program = textwrap.dedent(WRITER).replace("for piece", "print('ready', flush=True)\nfor piece")
    with locked(tmp_path / "home" / "silver" / ".lock"):
        command = [sys.executable, "-c", program, str(tmp_path / "home"), str(file)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(1.0)
            has_written = bool(store.tickers(DAILY))
        except BaseException:
            writer.kill()
            raise
    output, _ = writer.communicate(timeout=60)
    assert (output, writer.returncode, has_written) == ("", 0, False)
    assert store.tickers(DAILY) == ["A"]


def test_a_home_that_cannot_be_written_says_so(tmp_path: Path, make_bars: MakeBars) -> None:
    blocked = tmp_path / "home"
    blocked.write_text("a file, not a folder")
    with pytest.raises(StorageError, match="choose a writable --home"):
        put(SilverStore(blocked), make_bars("A"))
