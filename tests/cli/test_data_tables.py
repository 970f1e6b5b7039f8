"""How `pawl data` prints."""

from io import StringIO

from rich.console import Console, RenderableType

from pawl.cli.data_tables import CheckedTicker, check_text, list_text, merge_text
from pawl.lake.calendar_book import BookedCalendar
from pawl.lake.silver import Merge
from pawl.market.bars import Timeframe
from pawl.market.checks import Finding, Severity


def printed(renderable: RenderableType) -> list[str]:
    stream = StringIO()
    Console(file=stream, width=120).print(renderable)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_a_merge_names_each_reason_and_calendar() -> None:
    calendars = {name: BookedCalendar(code="fx", is_inferred=True) for name in ("EURUSD", "USDJPY")}
    merge = Merge(
        added=1200, replaced=3, unchanged=0, quarantined=2, tickers=("EURUSD", "USDJPY"),
        reasons={"off_calendar": 2}, calendars=calendars,
    )  # fmt: skip
    assert printed(merge_text(merge, Timeframe.parse("1h"))) == [
        "1,200 bars added, 3 replaced, 0 unchanged, 2 quarantined; 2 tickers.",
        "  quarantined       2  the ticker's calendar has no bar at this `ts`",
        "  calendar fx (inferred) for 2 tickers",
        "Next: pawl data check --timeframe 1h",
    ]


def test_a_failing_ticker_stands_in_capitals_below_the_answer() -> None:
    finding = Finding(ticker="[A]", check="gaps", severity=Severity.FAIL, count=9, what="9 bars missing")
    ticker = CheckedTicker(
        ticker="[A]", timeframe="1d", calendar="24/7", rows=1000, verdict="fail", findings=(finding,)
    )
    lines = printed(check_text([ticker]))
    assert lines[0] == "1 of 1 tickers fail and may not be trained on; 0 warn."
    assert lines[2].split() == ["[A]", "1d", "24/7", "1,000", "FAIL", "gaps:", "9", "bars", "missing"]


def test_an_empty_store_says_how_to_begin() -> None:
    assert (
        printed(check_text([])) == printed(list_text([])) == ["no bars yet. Next: pawl data import FILE --timeframe 1d"]
    )
