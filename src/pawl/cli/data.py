"""`pawl data`: bring bars in, check them, list them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pawl.cli.arguments import names, parse_instant
from pawl.cli.session import HomeOption, JsonOption, session

if TYPE_CHECKING:
    from pawl.lake.silver import SilverStore
    from pawl.market.bars import Timeframe
    from pawl.market.calendars import Calendar

__all__ = ["app"]

app = typer.Typer(name="data", help="Market data: import, backfill, check, list.", no_args_is_help=True)

TimeframeOption = Annotated[str, typer.Option("--timeframe", metavar="1m|15m|1h|1d", help="Length of a bar.")]
CalendarOption = Annotated[
    str,
    typer.Option(
        "--calendar",
        metavar="auto|24/7|fx|XNYS|...",
        help="When the tickers trade. auto keeps the calendar a ticker has, and infers that of a new one.",
    ),
]


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="CSV, Parquet or Feather files, or folders.")],
    timeframe: TimeframeOption,
    calendar: CalendarOption = "auto",
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Import bars from files.

    Columns: ticker, ts (open time with its zone), open, high, low, close, volume. Importing a file again changes
    nothing. A file with a wrong shape stops the import before anything is written; a bad row goes to quarantine.
    """
    with session(home, is_json=is_json) as run:
        import polars as pl

        from pawl.cli.data_tables import merge_payload, merge_text
        from pawl.lake.files import find_files, read_bars
        from pawl.lake.silver import SilverStore
        from pawl.market.bars import Timeframe

        length, chosen = Timeframe.parse(timeframe), _calendar(calendar)
        files = find_files(paths)
        with run.progress() as progress:
            task = progress.add_task("reading", total=len(files) + 1)
            frames = []
            for file in files:
                progress.update(task, description=f"reading {file.name}")
                frames.append(read_bars(file, length))
                progress.advance(task)
            progress.update(task, description="merging")
            source = ", ".join(file.name for file in files)
            store = SilverStore(run.home)
            merge = store.merge(pl.concat(frames), length, chosen, source=source, now=datetime.now(UTC))
            progress.advance(task)
        run.answer(merge_payload(merge), text=lambda: merge_text(merge, length))


@app.command()
def backfill(
    source: Annotated[str, typer.Option("--source", metavar="ccxt|binance|yfinance|simulated", help="Where from.")],
    tickers: Annotated[list[str], typer.Option("--tickers", metavar="NAMES", help="Comma-separated, or given again.")],
    timeframe: TimeframeOption,
    start: Annotated[datetime, typer.Option("--from", parser=parse_instant, metavar="DATE", help="First bar, UTC.")],
    end: Annotated[
        datetime | None,
        typer.Option("--to", parser=parse_instant, metavar="DATE", help="End, UTC (exclusive); default: now."),
    ] = None,
    calendar: CalendarOption = "auto",
    exchange: Annotated[str, typer.Option("--exchange", metavar="NAME", help="With --source ccxt.")] = "binance",
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Fetch the bars that the store misses; a run that was cut off goes on where it stopped.

    simulated needs no network. binance reads the public archives of data.binance.vision, ccxt an exchange's own
    candles, yfinance Yahoo. A bar that has not closed yet is left at the source.
    """
    with session(home, is_json=is_json) as run:
        import time

        from pawl.cli.data_tables import merge_payload, merge_text
        from pawl.lake.backfill import BackfillOrder, Patience, run_backfill
        from pawl.lake.silver import SilverStore
        from pawl.lake.sources import SourceChoice, open_source
        from pawl.market.bars import Timeframe

        length, chosen, now = Timeframe.parse(timeframe), _calendar(calendar), datetime.now(UTC)
        order = BackfillOrder(
            tickers=names(tickers) or (), timeframe=length, start=start, end=end or now, calendar=chosen
        )
        choice = SourceChoice(name=source, exchange=exchange, seed=run.settings.seed, calendar=chosen)
        with run.progress() as progress, open_source(choice) as opened:
            task = progress.add_task(f"asking {opened.name}", total=1.0)

            def show(what: str, done: float) -> None:
                progress.update(task, description=what, completed=done)

            patience = Patience(sleep=time.sleep)
            merge = run_backfill(SilverStore(run.home), opened, order, patience, now, show)
        run.answer(merge_payload(merge), text=lambda: merge_text(merge, length))


@app.command()
def check(
    timeframe: Annotated[str | None, typer.Option("--timeframe", metavar="1m|1h|1d", help="Only these bars.")] = None,
    calendar: Annotated[
        str, typer.Option("--calendar", metavar="auto|24/7|fx|XNYS|...", help="Check as if all traded on this one.")
    ] = "auto",
    home: HomeOption = None,
    is_json: JsonOption = False,
) -> None:
    """Check the bars of every ticker; exit code 1 when one of them may not be trained on.

    What warns and what fails stands in docs/data.md; the limits are settings below `quality`.
    """
    with session(home, is_json=is_json) as run:
        from pawl.cli.data_tables import CheckedTicker, check_text, checked_tickers
        from pawl.lake.checking import check_silver
        from pawl.lake.silver import SilverStore

        store, chosen = SilverStore(run.home), _calendar(calendar)
        checked: list[CheckedTicker] = []
        with run.progress() as progress:
            for length in progress.track(_lengths(store, timeframe), description="checking"):
                report = check_silver(store, length, run.settings.quality, chosen)
                codes = {name: str(chosen or entry.code) for name, entry in store.calendars(length).items()}
                checked += checked_tickers(report, length, codes)
        is_ok = all(ticker.verdict != "fail" for ticker in checked)
        payload = {"ok": is_ok, "tickers": [ticker.payload() for ticker in checked]}
        run.answer(payload, text=lambda: check_text(checked))
        if not is_ok:
            raise typer.Exit(1)


@app.command("ls")
def list_(home: HomeOption = None, is_json: JsonOption = False) -> None:
    """List the tickers with their calendars, number of bars, first and last open time."""
    with session(home, is_json=is_json) as run:
        from pawl.cli.data_tables import list_text, listed
        from pawl.lake.silver import SilverStore

        store = SilverStore(run.home)
        rows = [row for length in store.timeframes() for row in listed(store, length)]
        run.answer({"tickers": [row.payload() for row in rows]}, text=lambda: list_text(rows))


def _calendar(text: str) -> "Calendar | None":
    from pawl.market.calendars import Calendar

    return None if text == "auto" else Calendar.parse(text)


def _lengths(store: "SilverStore", timeframe: str | None) -> "list[Timeframe]":
    from pawl.market.bars import Timeframe

    return store.timeframes() if timeframe is None else [Timeframe.parse(timeframe)]
