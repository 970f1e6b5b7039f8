"""A notice: something that a person wants to know now."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pawl.events.notice_settings import NoticeKind

__all__ = ["Notice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """key: what tells it from others; one with the key of a recent one is not repeated. at: by the loop's clock.

    body: Markdown. attachments: files (PNG, HTML, Markdown) that go with it.

    >>> Notice(kind="pause", key="volatility", at=datetime(2024, 1, 1), title="Training is paused", body="").attachments
    ()
    """

    kind: NoticeKind
    key: str
    at: datetime
    title: str
    body: str
    attachments: tuple[Path, ...] = ()
