"""Where a listing goes on: the time and the id of the last row that was seen, as one text that means nothing else."""

import base64
import binascii
from datetime import datetime
from uuid import UUID

from pawl.errors import InputError
from pawl.ledger.column_types import utc_text

__all__ = ["read_cursor", "written_cursor"]


def written_cursor(at: datetime, row_id: UUID) -> str:
    """The cursor behind a row.

    >>> from datetime import UTC
    >>> at = datetime(2024, 1, 31, 9, 30, tzinfo=UTC)
    >>> read_cursor(written_cursor(at, UUID(int=7))) == (at, UUID(int=7))
    True
    """
    return base64.urlsafe_b64encode(f"{utc_text(at)}{row_id.hex}".encode()).decode()


def read_cursor(text: str) -> tuple[datetime, UUID]:
    """What `written_cursor` wrote; InputError for anything else."""
    try:
        plain = base64.b64decode(text, altchars=b"-_", validate=True).decode("ascii")
        at, row_id = datetime.fromisoformat(plain[:-32]), UUID(plain[-32:])
        is_written = written_cursor(at, row_id) == text
    except (ValueError, OverflowError, binascii.Error):
        is_written = False
    if not is_written:
        raise InputError("this cursor was never given out", where="cursor", fix="take `next_cursor` of a page before")
    return at, row_id
