"""Which calendar each ticker trades on, as it was given or inferred; one JSON file beside the silver bars."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, RootModel, ValidationError

from pawl.errors import CorruptArtifactError
from pawl.lake.atomic import write_atomically
from pawl.market.bars import Timeframe
from pawl.market.calendars import Calendar

__all__ = ["BookedCalendar", "CalendarBook"]


class BookedCalendar(BaseModel):
    """A ticker's calendar. is_settled: every stored bar carries this calendar's `available_at` and `session`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    is_inferred: bool
    is_settled: bool = True

    @property
    def calendar(self) -> Calendar:
        """The calendar itself."""
        return Calendar(self.code)


class _Pages(RootModel[dict[str, dict[str, BookedCalendar]]]):
    pass


class CalendarBook:
    """The calendars of a store by timeframe and ticker."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, timeframe: Timeframe) -> dict[str, BookedCalendar]:
        """The calendars of every ticker with bars of this length."""
        return self._pages().get(str(timeframe), {})

    def write(self, timeframe: Timeframe, entries: dict[str, BookedCalendar]) -> None:
        """Put these entries over those that stand; the others stay."""
        pages = self._pages()
        old = pages.get(str(timeframe), {})
        if entries.items() <= old.items():
            return
        pages[str(timeframe)] = dict(sorted({**old, **entries}.items()))
        write_atomically(self._path, _Pages(pages).model_dump_json(indent=1).encode())

    def _pages(self) -> dict[str, dict[str, BookedCalendar]]:
        if not self._path.exists():
            return {}
        try:
            return _Pages.model_validate_json(self._path.read_bytes()).root
        except ValidationError as error:
            raise CorruptArtifactError(
                "the book of calendars cannot be read", where=str(self._path), fix="delete it and import again"
            ) from error
