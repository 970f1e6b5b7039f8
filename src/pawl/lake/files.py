"""Bars from the user's own files: CSV, Parquet and Feather; what is wrong with a file is said in one clear error."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

import polars as pl

from pawl.errors import NotFoundError, SchemaError
from pawl.market.bars import BAR_COLUMNS, BAR_SCHEMA, UTC_TIME, Timeframe

__all__ = ["find_files", "read_bars"]

ENDINGS = (".csv", ".parquet", ".feather", ".arrow")
PRICE_COLUMNS = ("open", "high", "low", "close", "volume")
WITH_ZONE = r"(Z|[+-]\d\d:?\d\d)$"
WITHOUT_ZONE = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?$"
ENOUGH_STEPS = 5  # fewer steps between bars say little: two equity bars may stand a weekend apart
MAX_SHORT_STEPS = 0.02  # a daily bar at 17:00 New York follows its predecessor by 23 hours once a year


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files to import, sorted: each path that is a file, and the known endings inside each that is a folder.

    NotFoundError for a path that does not exist and for a folder without such a file.
    """
    found: list[Path] = []
    for path in paths:
        inside = [file for file in path.rglob("*") if file.suffix.lower() in ENDINGS] if path.is_dir() else [path]
        if not path.exists() or not inside:
            what = "no such file or folder" if not path.exists() else f"no {', '.join(ENDINGS)} file in the folder"
            raise NotFoundError(what, where=str(path), fix="give a CSV, Parquet or Feather file, or a folder of them")
        found.extend(inside)
    return sorted(set(found))


def read_bars(path: Path, timeframe: Timeframe) -> pl.DataFrame:
    """Read one file of bars: BAR_SCHEMA, rows as they stand in it.

    SchemaError for a file that is empty, half-written or of an unknown kind; for a missing or unknown column, a column
    of another type, times without a zone, and bars of another length than the timeframe.
    """
    frame = _read(path)
    _check_columns(frame.columns, path)
    if frame.is_empty():
        raise SchemaError("the file holds no rows", where=str(path), fix="remove it, or export it again")
    bars = frame.select(
        _text(frame["ticker"], path),
        _utc(frame["ts"], path),
        *(_number(frame[column], path) for column in PRICE_COLUMNS),
    )
    _check_spacing(bars, timeframe, path)
    return bars.cast(BAR_SCHEMA)


def _read(path: Path) -> pl.DataFrame:
    ending = path.suffix.lower()
    try:
        if ending == ".csv":
            # Everything as text first: a type guessed from the first rows would make later ones an error, or a null.
            return pl.read_csv(path, infer_schema=False)
        if ending == ".parquet":
            return pl.read_parquet(path, glob=False, hive_partitioning=False)
        if ending in (".feather", ".arrow"):
            return pl.read_ipc(path)
    except pl.exceptions.NoDataError as error:
        raise SchemaError("the file is empty", where=str(path), fix="remove it, or export it again") from error
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SchemaError(
            f"the file cannot be read, it may be half-written: {_first_line(error)}",
            where=str(path),
            fix="export or download it again; nothing was imported",
        ) from error
    raise SchemaError(f"unknown kind of file `{ending}`", where=str(path), fix=f"use {', '.join(ENDINGS)}")


def _check_columns(columns: Sequence[str], path: Path) -> None:
    known = ", ".join(BAR_COLUMNS)
    missing = [column for column in BAR_COLUMNS if column not in columns]
    unknown = [column for column in columns if column not in BAR_SCHEMA]
    if missing:
        names = ", ".join(f"`{column}`" for column in missing)
        raise SchemaError(f"missing column {names}", where=str(path), fix=f"the columns are {known}; rename yours")
    if unknown:
        names = ", ".join(f"`{column}`" for column in unknown)
        raise SchemaError(
            f"unknown column {names}",
            where=str(path),
            fix=f"the columns are {known}; drop the others (where one tells series apart, put it into the ticker)",
        )


def _text(column: pl.Series, path: Path) -> pl.Series:
    if column.dtype not in (pl.String, pl.Categorical, pl.Enum):
        raise _wrong_type(column, "text", path)
    return column.cast(pl.String)


def _number(column: pl.Series, path: Path) -> pl.Series:
    if column.dtype == pl.String:
        filled = column.replace("", None)
        numbers = filled.cast(pl.Float64, strict=False)
        if numbers.null_count() > filled.null_count():
            raise _wrong_type(column.filter(numbers.is_null() & filled.is_not_null()).head(1), "a number", path)
        return numbers
    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        raise _wrong_type(column, "a number", path)
    return column.cast(pl.Float64)


def _utc(column: pl.Series, path: Path) -> pl.Series:
    if column.dtype == pl.String:
        return _parsed(column, path)
    if column.dtype == pl.Date:
        raise _naive(path)
    if not isinstance(column.dtype, pl.Datetime):
        raise _wrong_type(column, "a time with its zone", path)
    if column.dtype.time_zone is None:
        raise _naive(path)
    return column.dt.convert_time_zone("UTC").cast(UTC_TIME)


def _parsed(column: pl.Series, path: Path) -> pl.Series:
    """Times written as text, each with its own zone."""
    text = column.replace("", None).drop_nulls()
    if not text.filter(~text.str.contains(WITH_ZONE) & text.str.contains(WITHOUT_ZONE)).is_empty():
        raise _naive(path)
    plain = column.replace("", None).str.replace(" ", "T").str.replace("Z$", "+00:00")
    parsed = plain.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", strict=False, time_unit="us", time_zone="UTC")
    bad = column.filter(parsed.is_null() & plain.is_not_null())
    if not bad.is_empty():
        raise _wrong_type(bad, "a time with its zone, as 2024-01-31T00:00:00Z", path)
    return parsed


def _naive(path: Path) -> SchemaError:
    return SchemaError(
        "the times in `ts` carry no zone, so nobody can say which instants they are",
        where=str(path),
        fix="write them in UTC: `2024-01-31T00:00:00Z` in a CSV, a datetime with zone UTC elsewhere (Polars: "
        "`.dt.replace_time_zone(THE_ZONE_THEY_ARE_IN).dt.convert_time_zone('UTC')`)",
    )


def _check_spacing(bars: pl.DataFrame, timeframe: Timeframe, path: Path) -> None:
    """Steps may be longer than the timeframe, where bars are missing, but most are not; hardly any is shorter."""
    times = bars.select("ticker", "ts").drop_nulls().unique().sort("ticker", "ts")
    steps = times.select(pl.col("ts").diff().over("ticker"))["ts"].drop_nulls()
    if steps.is_empty():
        return
    n_short = int((steps < timeframe.length).sum())
    n_forgiven = MAX_SHORT_STEPS * len(steps) if len(steps) > ENOUGH_STEPS else 0
    usual = steps.mode().min()
    assert isinstance(usual, timedelta)
    is_too_long = len(steps) >= ENOUGH_STEPS and usual > timeframe.length
    if n_short > n_forgiven or is_too_long:
        raise SchemaError(
            f"the bars are not {timeframe} long: most of them open {usual} apart",
            where=str(path),
            fix="give the --timeframe of the file, and keep one length a file",
        )


def _wrong_type(column: pl.Series, wanted: str, path: Path) -> SchemaError:
    first: Iterable[object] = column.drop_nulls().head(1).to_list()
    example = next((f", such as {value!r}" for value in first), "")
    return SchemaError(
        f"column `{column.name}` should hold {wanted}, but holds {column.dtype}{example}",
        where=str(path),
        fix="mend the column and import again; nothing was imported",
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
