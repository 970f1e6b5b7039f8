"""Passport: what a user sees of the learning, and reports on its own decisions. Nobody else's rows are in an answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Response

from pawl.datasets.own_samples import OwnSamples
from pawl.jobs.learning_status import LearningStatus, PassportRules, learning_status
from pawl.ledger.column_types import utc_text
from pawl.ledger.evaluation_pages import EvaluationFilter, EvaluationRow, evaluations_page
from pawl.ledger.learning_record import DatasetRow, datasets_page
from pawl.ledger.user_reports import get_user_report, request_report
from pawl.serving.cursors import read_cursor, written_cursor
from pawl.serving.fresh_secret import new_key
from pawl.serving.guard import Caller, guarded_router
from pawl.serving.passport_answers import (
    DatasetPage,
    EvaluationPage,
    ReportAnswer,
    ReportBody,
    ReportView,
    dataset_view,
    report_view,
)
from pawl.serving.passport_queries import DatasetQuery, EvaluationQuery
from pawl.serving.report_maker import ReportMaker
from pawl.serving.service import Service
from pawl.serving.write_routes import REPLAYED, Key

__all__ = ["LEARNING", "Passport", "passport_of", "passport_routes"]

Row = TypeVar("Row")

LEARNING = "/api/profile/passport/learning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passport:
    """What Passport stands on. reports is its caller's to begin and to end."""

    rules: PassportRules
    samples: OwnSamples
    reports: ReportMaker


def passport_of(service: Service, rules: PassportRules, samples: OwnSamples) -> Passport:
    """Passport over the ledger of a service."""
    return Passport(rules=rules, samples=samples, reports=ReportMaker(service.ledger, rules, service.now))


def passport_routes(service: Service, passport: Passport) -> APIRouter:
    """GET status, datasets, evals and reports/{report_id}; POST reports/generate."""
    router = guarded_router(service)

    @router.get(f"{LEARNING}/status")
    def status(user_id: Caller) -> LearningStatus:
        """My part in the learning, what it improved, my weaknesses, and how honest its confidence was."""
        with service.ledger.reading() as tx:
            return learning_status(tx, user_id, passport.rules, passport.samples, service.now())

    @router.get(f"{LEARNING}/datasets")
    def datasets(user_id: Caller, asked: Annotated[DatasetQuery, Query()]) -> DatasetPage:
        """Dataset versions, newest first, each with my share."""
        before = None if asked.cursor is None else read_cursor(asked.cursor)
        with service.ledger.reading() as tx:
            rows = datasets_page(tx, asked.dataset_type, before, asked.limit + 1)
            shown = [dataset_view(row, passport.samples.count(tx, row, user_id)) for row in rows[: asked.limit]]
        return DatasetPage(items=tuple(shown), next_cursor=_next(rows, asked.limit, _dataset_key))

    @router.get(f"{LEARNING}/evals")
    def evals(user_id: Caller, asked: Annotated[EvaluationQuery, Query()]) -> EvaluationPage:
        """Evaluation reports, newest first, with the changes against the version before."""
        chosen = EvaluationFilter(
            model_version=asked.model_version,
            scope=asked.scope,
            gate_result=asked.gate_result,
            role=asked.role,
            before=None if asked.cursor is None else read_cursor(asked.cursor),
        )
        with service.ledger.reading() as tx:
            rows = evaluations_page(tx, chosen, asked.limit + 1)
        return EvaluationPage(items=tuple(rows[: asked.limit]), next_cursor=_next(rows, asked.limit, _evaluation_key))

    _add_reports(router, service, passport)
    return router


def _add_reports(router: APIRouter, service: Service, passport: Passport) -> None:
    @router.post(f"{LEARNING}/reports/generate", status_code=202)
    def generate(body: ReportBody, user_id: Caller, response: Response, key: Key = None) -> ReportAnswer:
        """Ask for a report on my decisions. The same key and body again are the same report."""
        request = {"window_start": _text(body.window_start), "window_end": _text(body.window_end)}
        with service.ledger.transaction() as tx:
            stored, is_new = request_report(tx, user_id, key or new_key(), request, service.now())
        if is_new:
            passport.reports.submit(stored.report_id)
        response.headers.update({} if is_new else REPLAYED)
        response.headers["Location"] = f"{LEARNING}/reports/{stored.report_id}"
        return ReportAnswer(report_id=stored.report_id, status=stored.status, created_at=stored.created_at)

    @router.get(f"{LEARNING}/reports/{{report_id}}")
    def report(report_id: UUID, user_id: Caller) -> ReportView:
        """A report of mine."""
        with service.ledger.reading() as tx:
            return report_view(get_user_report(tx, user_id, report_id))


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else utc_text(instant.astimezone(UTC))


def _dataset_key(row: DatasetRow) -> tuple[datetime, UUID]:
    return row.created_at, row.dataset_version_id


def _evaluation_key(row: EvaluationRow) -> tuple[datetime, UUID]:
    return row.created_at, row.eval_id


def _next(rows: list[Row], limit: int, key: Callable[[Row], tuple[datetime, UUID]]) -> str | None:
    """The cursor behind the last row of a page that was read with one row too many; None on the last page."""
    return written_cursor(*key(rows[limit - 1])) if len(rows) > limit else None
