"""The book of calendars."""

from pathlib import Path

import pytest

from pawl.errors import CorruptArtifactError
from pawl.lake.calendar_book import BookedCalendar, CalendarBook
from pawl.market.bars import Timeframe

DAILY, HOURLY = Timeframe.parse("1d"), Timeframe.parse("1h")
ALWAYS, EXCHANGE = BookedCalendar(code="24/7", is_inferred=True), BookedCalendar(code="XNYS", is_inferred=False)


def test_entries_are_kept_by_timeframe_and_put_over_old_ones(tmp_path: Path) -> None:
    book = CalendarBook(tmp_path / "calendars.json")
    assert book.read(DAILY) == {}
    book.write(DAILY, {"A": ALWAYS, "B": ALWAYS})
    book.write(HOURLY, {"A": ALWAYS})
    book.write(DAILY, {"B": EXCHANGE})
    assert CalendarBook(tmp_path / "calendars.json").read(DAILY) == {"A": ALWAYS, "B": EXCHANGE}
    assert book.read(HOURLY) == {"A": ALWAYS}


def test_a_write_that_changes_nothing_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "calendars.json"
    book = CalendarBook(path)
    book.write(DAILY, {"A": ALWAYS})
    before = path.stat().st_mtime_ns
    book.write(DAILY, {"A": ALWAYS})
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "text", ["{", '{"1d": {"A": {"code": "24/7"}}}', '{"1d": {"A": {"code": 1, "is_inferred": 2, "x": 3}}}']
)
def test_a_broken_book_is_one_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calendars.json"
    path.write_text(text)
    with pytest.raises(CorruptArtifactError, match="book of calendars"):
        CalendarBook(path).read(DAILY)
