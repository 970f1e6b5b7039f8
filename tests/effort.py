"""How much work a call is, counted and not timed: the count is the same on a busy machine."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import sqlalchemy as sa

from pawl.ledger.database import Ledger

__all__ = ["lines_run", "statements"]


def lines_run(work: Callable[[], object]) -> int:
    """Lines of Python that ran, in this thread, here and in every library."""
    count = 0

    def look(frame: FrameType, event: str, _: object) -> Callable[..., object]:
        nonlocal count
        count += event == "line"
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@contextmanager
def statements(ledger: Ledger) -> Iterator[list[tuple[str, object]]]:
    """The statements that a ledger's database is handed meanwhile, each with its values."""
    seen: list[tuple[str, object]] = []

    def note(_: object, cursor: object, text: str, values: object, *rest: object) -> None:
        seen.append((text, values))

    sa.event.listen(ledger.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(ledger.engine, "before_cursor_execute", note)
