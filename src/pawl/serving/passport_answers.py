"""What Passport answers beside the status: pages of dataset versions and evaluations, and reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from pawl.ledger.evaluation_pages import EvaluationRow
from pawl.ledger.learning_record import DatasetRow
from pawl.ledger.user_reports import StoredReport

__all__ = [
    "DatasetPage",
    "DatasetView",
    "EvaluationPage",
    "ReportAnswer",
    "ReportBody",
    "ReportView",
    "dataset_view",
    "report_view",
]

MAX_DAYS = 731
OLDEST = "2000-01-01T00:00:00+00:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetView:
    """A dataset version. own_samples, own_share: the caller's part in it; None where its rows are not at hand, the
    share also where it is empty. quality: the figures of its quality report; nothing that names a row is among them.
    """

    dataset_version_id: UUID
    dataset_type: str
    learner: str
    window_start: datetime
    window_end: datetime
    sample_count: int
    own_samples: int | None
    own_share: float | None
    content_hash: str
    quality: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPage:
    """Newest first. next_cursor: hand it in for the page after this one; None on the last."""

    items: tuple[DatasetView, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPage:
    """Newest first. next_cursor: hand it in for the page after this one; None on the last."""

    items: tuple[EvaluationRow, ...]
    next_cursor: str | None


class ReportBody(BaseModel):
    """Ask for a report on one's own decisions. Without an end it reaches to now; without a start as far back as
    weaknesses are read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    window_start: AwareDatetime | None = None
    window_end: AwareDatetime | None = None

    @model_validator(mode="after")
    def _is_a_window(self) -> "ReportBody":
        oldest = datetime.fromisoformat(OLDEST)
        for one in (self.window_start, self.window_end):
            if one is not None and one < oldest:
                raise PydanticCustomError("window", "window_start and window_end lie in 2000 or later")
        if self.window_start is not None and self.window_end is not None:
            days = (self.window_end - self.window_start).total_seconds() / 86_400
            if not 0 < days <= MAX_DAYS:
                raise PydanticCustomError("window", f"a window is at most {MAX_DAYS} days, and ends after its start")
        return self


class ReportAnswer(BaseModel):
    """A report is accepted. Ask for it at /api/profile/passport/learning/reports/{report_id}."""

    report_id: UUID
    status: Literal["queued", "running", "failed", "succeeded"]
    created_at: datetime


class ReportClaim(BaseModel):
    """One finding. kind: strength, weakness or proposal. n: occasions that it rests on. event_ids: what shows it."""

    kind: Literal["strength", "weakness", "proposal"]
    about: str
    text: str
    n: int
    event_ids: list[UUID] = Field(min_length=1)
    figures: dict[str, float]


class ReportContent(BaseModel):
    """What a report says: its claims, and the same in Markdown."""

    window_start: datetime
    window_end: datetime
    claims: list[ReportClaim]
    markdown: str


class ReportView(ReportAnswer):
    """A report. content: None until it has succeeded; error: why it failed, else None."""

    finished_at: datetime | None
    error: str | None
    content: ReportContent | None


def dataset_view(row: DatasetRow, own_samples: int | None) -> DatasetView:
    """A dataset version as its caller may see it."""
    is_known = own_samples is not None and row.sample_count > 0
    return DatasetView(
        dataset_version_id=row.dataset_version_id,
        dataset_type=row.dataset_type,
        learner=row.learner,
        window_start=row.window_start,
        window_end=row.window_end,
        sample_count=row.sample_count,
        own_samples=own_samples,
        own_share=own_samples / row.sample_count if is_known and own_samples is not None else None,
        content_hash=row.content_hash,
        quality=_figures(row.quality_report),
        created_at=row.created_at,
    )


def report_view(stored: StoredReport) -> ReportView:
    """A report as its user sees it."""
    return ReportView(
        report_id=stored.report_id,
        status=stored.status,
        created_at=stored.created_at,
        finished_at=stored.finished_at,
        error=stored.error,
        content=None if stored.content is None else ReportContent.model_validate(stored.content),
    )


def _figures(report: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers and what is named by words: a quality report may list the rows it set aside, and those are somebody's."""
    found: dict[str, Any] = {}
    for name, value in report.items():
        if not _is_word(name):
            continue
        if isinstance(value, Mapping):
            found[name] = _figures(value)
        elif value is None or isinstance(value, bool | int | float):
            found[name] = value
    return found


def _is_word(name: str) -> bool:
    """Whether a name is one of ours, and no id.

    >>> _is_word("no_stop_loss"), _is_word("7c1b3b0e-5f0a-5b1e-9a55-6f2f0d9b4a11")
    (True, False)
    """
    return len(name) <= 60 and sum(char.isdigit() for char in name) <= 4 and name.count("-") < 4
