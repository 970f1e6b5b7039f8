"""How much work a call is, counted and not timed: the count is the same on a busy machine."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import sqlalchemy as sa

from pawl.ledger.database import Ledger

__all__ = ["lines_run", "plan_of", "statements"]


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
def statements(ledger: Ledger) -> Iterator[list[tuple[str, Any]]]:
    """The statements that a ledger's database is handed meanwhile, each with its values."""
    seen: list[tuple[str, Any]] = []

    def note(_: object, cursor: object, text: str, values: object, *rest: object) -> None:
        seen.append((text, values))

    sa.event.listen(ledger.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(ledger.engine, "before_cursor_execute", note)


def plan_of(tx: sa.Connection, text: str, values: Any) -> list[str]:
    """How the database goes about a statement, a line a step."""
    if tx.dialect.name == "sqlite":
        return [str(row[-1]) for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)]
    tx.exec_driver_sql("SET LOCAL enable_seqscan = off")  # a small table is read whole, with an index or not
    return [str(row[-1]) for row in tx.exec_driver_sql(f"EXPLAIN {text}", values)]
