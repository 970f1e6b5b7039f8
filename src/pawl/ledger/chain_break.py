"""One thing that is not as it was written."""

from dataclasses import dataclass

__all__ = ["Break"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """What is wrong, and where. row: its key; None where a row is missing. month, number: its place in its chain, where
    it has one.

    >>> str(Break(table="pnl_entries", row="7c1b", month="2024-01", number=3, what="was edited"))
    'pnl_entries 7c1b (row 3 of 2024-01): was edited'
    """

    table: str
    what: str
    row: str | None = None
    month: str | None = None
    number: int | None = None

    def __str__(self) -> str:
        place = f"row {self.number} of {self.month}" if self.month and self.number else self.month
        return " ".join(part for part in (self.table, self.row, f"({place})" if place else None) if part) + (
            f": {self.what}"
        )
