"""The silver store: idempotent, atomic, and nothing lost whatever dies."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pawl.errors import InputError, NotFoundError, StorageError
from pawl.lake.atomic import locked
from pawl.lake.silver import Merge, SilverStore
from pawl.market.bars import BAR_SCHEMA, SILVER_SCHEMA, Timeframe
from pawl.market.calendars import ALWAYS, FX, Calendar, open_times
from pawl.market.simulated import MarketSpec, simulate

DAILY = Timeframe.parse("1d")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MakeBars = Callable[..., pl.DataFrame]


def put(store: SilverStore, bars: pl.DataFrame, calendar: Calendar | None = None, now: datetime = NOW) -> Merge:
    return store.merge(bars, DAILY, calendar, source="test", now=now)


def counts(merge: Merge) -> tuple[int, int, int, int]:
    return merge.added, merge.replaced, merge.unchanged, merge.quarantined


@pytest.fixture
def store(tmp_path: Path) -> SilverStore:
    return SilverStore(tmp_path / "home")


@pytest.fixture
def four_years() -> pl.DataFrame:
    """Three tickers over four calendar years: twelve partitions."""
    spec = MarketSpec(tickers=("A", "B", "C"), start=datetime(2020, 6, 1, tzinfo=UTC), n_bars=1200)
    return simulate(spec, np.random.default_rng(5)).bars


def test_what_goes_in_comes_out_sorted_with_its_close_and_session(store: SilverStore, four_years: pl.DataFrame) -> None:
    merge = put(store, four_years.sample(fraction=1.0, shuffle=True, seed=1))
    assert counts(merge) == (3600, 0, 0, 0)
    assert merge.tickers == ("A", "B", "C")
    silver = store.scan(DAILY).collect()
    assert silver.schema == SILVER_SCHEMA
    assert_frame_equal(silver.select(BAR_SCHEMA.names()), four_years)
    assert (silver["available_at"] - silver["ts"] == timedelta(days=1)).all()
    assert set(silver.select(pl.col("session").diff().over("ticker")).to_series().drop_nulls()) == {1}


def test_the_layout_is_a_folder_a_ticker_and_a_year(
    store: SilverStore, four_years: pl.DataFrame, tmp_path: Path
) -> None:
    put(store, four_years)
    part = tmp_path / "home" / "silver" / "timeframe=1d" / "ticker=B" / "year=2021" / "part-0.parquet"
    assert pl.read_parquet(part, hive_partitioning=False).height == 365
    hive = pl.read_parquet(tmp_path / "home" / "silver" / "**" / "*.parquet", hive_partitioning=True)
    assert hive.height == 3600, "any other tool reads the folder as it lies"


def test_a_second_merge_of_the_same_bars_changes_nothing(
    store: SilverStore, four_years: pl.DataFrame, tmp_path: Path
) -> None:
    put(store, four_years)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert counts(put(store, four_years)) == (0, 0, 3600, 0)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")} == stamps


def test_a_bar_with_new_values_replaces_the_old_one(store: SilverStore, make_bars: MakeBars) -> None:
    put(store, make_bars("A", 10))
    revised = make_bars("A", 10).with_columns(volume=pl.when(pl.int_range(10) < 3).then(9.0).otherwise("volume"))
    assert counts(put(store, revised)) == (0, 3, 7, 0)
    assert_frame_equal(store.scan(DAILY).select(BAR_SCHEMA.names()).collect(), revised)


def test_refused_rows_are_kept_with_reason_and_source(store: SilverStore, make_bars: MakeBars) -> None:
    bars = make_bars("A", 6)
    negative = bars.with_columns(low=pl.when(pl.int_range(6) == 2).then(-1.0).otherwise("low"))
    doubled = pl.concat([negative, bars.filter(pl.int_range(6) == 4).with_columns(close=pl.col("open"))])
    merge = put(store, doubled)
    assert counts(merge) == (4, 0, 0, 3)
    assert merge.reasons == {"conflicting_duplicate": 2, "non_positive_price": 1}
    kept = store.quarantine.read(DAILY)
    assert sorted(kept["reason"]) == ["conflicting_duplicate", "conflicting_duplicate", "non_positive_price"]
    assert set(kept["source"]) == {"test"}
    assert store.quarantined(DAILY) == {"A": 2}, "two bars are missing for it"
    put(store, doubled)
    assert store.quarantine.read(DAILY).height == 3, "the same rows are kept once"
    put(store, bars)
    assert store.quarantined(DAILY) == {}, "they came good"


def test_a_bar_that_has_not_closed_is_not_stored(store: SilverStore, make_bars: MakeBars) -> None:
    now = datetime(2024, 1, 10, 23, 59, tzinfo=UTC)
    merge = put(store, make_bars("A", 10), now=now)
    assert merge.reasons == {"unfinished": 1}
    assert store.scan(DAILY).collect().height == 9
    assert store.quarantined(DAILY) == {}, "an unfinished bar says nothing about the ticker"
    assert counts(put(store, make_bars("A", 10), now=now + timedelta(minutes=1))) == (1, 0, 9, 0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(cuts=st.lists(st.integers(0, 400), max_size=5), seed=st.integers(0, 99))
def test_any_way_of_cutting_an_import_gives_the_same_store(
    cuts: list[int], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bars = simulate(
        MarketSpec(tickers=("A", "B"), start=datetime(2022, 6, 1, tzinfo=UTC), n_bars=200), np.random.default_rng(1)
    ).bars
    whole, cut = (SilverStore(tmp_path_factory.mktemp("store")) for _ in range(2))
    put(whole, bars)
    shuffled = bars.sample(fraction=1.0, shuffle=True, seed=seed)
    edges = [0, *sorted(cuts), shuffled.height]
    pieces = [shuffled[start:end] for start, end in pairwise(edges)]
    merges = [put(cut, piece, ALWAYS) for piece in pieces]
    assert sum(merge.added for merge in merges) == bars.height
    assert cut.content_hash(DAILY) == whole.content_hash(DAILY)
    assert_frame_equal(cut.scan(DAILY).collect(), whole.scan(DAILY).collect())


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["BRK-B", "BTC/USDT", "../x", "..", "a b", "EURUSD=X", "^GSPC", "%2F", "日経"])
def test_any_ticker_name_stays_inside_the_store(
    store: SilverStore, make_bars: MakeBars, tmp_path: Path, name: str
) -> None:
    put(store, make_bars(name))
    assert store.tickers(DAILY) == [name]
    assert store.scan(DAILY, [name]).collect()["ticker"].unique().to_list() == [name]
    assert {path.name for path in tmp_path.iterdir()} == {"home"}
    assert {path.parent.parent.parent.name for path in tmp_path.rglob("part-0.parquet")} == {"timeframe=1d"}


def test_scanning_an_unknown_ticker_names_it(store: SilverStore, make_bars: MakeBars) -> None:
    put(store, make_bars("A"))
    with pytest.raises(NotFoundError, match="no 1d bars of B, C"):
        store.scan(DAILY, ["A", "B", "C"])


def test_an_empty_store_scans_as_no_bars(store: SilverStore, tmp_path: Path) -> None:
    assert store.scan(DAILY).collect().schema == SILVER_SCHEMA
    assert store.tickers(DAILY) == [] and store.timeframes() == [] and store.quarantined(DAILY) == {}
    assert not list(tmp_path.iterdir()), "reading makes nothing"


# --- calendars --------------------------------------------------------------------------------------------------------


def weekdays(make_bars: MakeBars, ticker: str, n: int, calendar: Calendar) -> pl.DataFrame:
    times = open_times(calendar, DAILY, datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 12, 1, tzinfo=UTC)).head(n)
    return make_bars(ticker, len(times)).with_columns(ts=times)


def test_the_calendar_is_inferred_a_ticker_and_kept(store: SilverStore, make_bars: MakeBars) -> None:
    exchange = Calendar("XNYS")
    bars = pl.concat([make_bars("COIN", 300), weekdays(make_bars, "SHARE", 300, exchange)])
    merge = put(store, bars)
    assert {name: entry.code for name, entry in merge.calendars.items()} == {"COIN": "24/7", "SHARE": "XNYS"}
    entry = SilverStore(store._root.parent).calendars(DAILY)["SHARE"]
    assert (entry.code, entry.is_inferred, entry.calendar) == ("XNYS", True, exchange)
    share = store.scan(DAILY, ["SHARE"]).collect()
    assert set((share["available_at"] - share["ts"]).dt.total_hours()) <= {17, 18, 20, 21}


def test_an_inferred_calendar_follows_while_bars_are_few(store: SilverStore, make_bars: MakeBars) -> None:
    bars = weekdays(make_bars, "SHARE", 60, Calendar("XNYS"))
    assert put(store, bars.head(4)).calendars["SHARE"].code == "24/7"
    assert put(store, bars).calendars["SHARE"].code == "XNYS"
    whole = SilverStore(store._root.parent / "other")
    put(whole, bars)
    assert_frame_equal(store.scan(DAILY).collect(), whole.scan(DAILY).collect())


def test_another_calendar_re_derives_every_bar(store: SilverStore, make_bars: MakeBars) -> None:
    bars = weekdays(make_bars, "X", 300, Calendar("XNYS"))
    put(store, bars.head(299), FX)
    assert set(
        (store.scan(DAILY).select(pl.col("available_at") - pl.col("ts")).collect().to_series()).dt.total_hours()
    ) == {24}
    merge = put(store, bars.tail(1), Calendar("XNYS"))
    assert counts(merge) == (1, 0, 0, 0)
    silver = store.scan(DAILY).collect()
    assert set(silver["session"].diff().drop_nulls()) == {1}
    assert silver["available_at"].dt.hour().max() <= 21  # type: ignore[operator]
    assert put(store, bars, None).calendars["X"].is_inferred is False, "a given calendar stands against auto"


def test_a_calendar_that_cannot_be_right_is_refused_and_changes_nothing(
    store: SilverStore, make_bars: MakeBars
) -> None:
    put(store, make_bars("COIN", 200))
    before = store.content_hash(DAILY)
    with pytest.raises(InputError, match=r"of 300 bars of COIN lie outside the calendar XNYS"):
        put(store, make_bars("COIN", 300), Calendar("XNYS"))
    assert store.content_hash(DAILY) == before
    assert store.calendars(DAILY)["COIN"].code == "24/7"


def test_a_stray_bar_off_the_calendar_goes_to_quarantine(store: SilverStore, make_bars: MakeBars) -> None:
    bars = weekdays(make_bars, "EURUSD", 300, FX)
    saturday = make_bars("EURUSD", 1, start=datetime(2023, 3, 4, tzinfo=UTC))
    assert put(store, pl.concat([bars, saturday])).reasons == {"off_calendar": 1}


def test_a_session_holds_one_bar(store: SilverStore, make_bars: MakeBars) -> None:
    put(store, make_bars("A", 10))
    shifted = make_bars("A", 3, start=datetime(2024, 1, 9, 6, tzinfo=UTC))  # the 9th and 10th are taken
    merge = put(store, shifted)
    assert counts(merge) == (1, 0, 0, 2)
    assert merge.reasons == {"second_bar_in_session": 2}


def test_a_change_of_calendar_that_was_cut_short_is_completed_by_the_next_reader(
    store: SilverStore, make_bars: MakeBars, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = weekdays(make_bars, "X", 400, Calendar("XNYS"))
    put(store, bars, FX)
    original, done = os.replace, []

    def dying(source: Path, target: Path) -> None:
        if str(target).endswith(".parquet") and done:
            raise KeyboardInterrupt
        done.append(target)
        original(source, target)

    monkeypatch.setattr(os, "replace", dying)
    with pytest.raises((KeyboardInterrupt, StorageError)):
        put(store, bars, Calendar("XNYS"))
    monkeypatch.undo()
    whole = SilverStore(store._root.parent / "other")
    put(whole, bars, Calendar("XNYS"))
    assert_frame_equal(store.scan(DAILY).collect(), whole.scan(DAILY).collect())
    assert store.calendars(DAILY)["X"].is_settled


# --- death ------------------------------------------------------------------------------------------------------------

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


def test_the_hash_forgets_layout_and_order_of_imports(
    store: SilverStore, four_years: pl.DataFrame, tmp_path: Path
) -> None:
    put(store, four_years)
    other = SilverStore(tmp_path / "other")
    for name in ("C", "A", "B"):
        put(other, four_years.filter(pl.col("ticker") == name).reverse())
    assert other.content_hash(DAILY) == store.content_hash(DAILY)
    assert other.content_hash(DAILY, ["A"]) != store.content_hash(DAILY, ["B"])
