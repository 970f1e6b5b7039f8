"""What a running loop says of itself: whether it is ready, and its metrics for Prometheus. No token is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Response
from pydantic import BaseModel

from pawl.errors import StorageError

__all__ = ["LiveSide", "Ready", "live_routes"]

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Ready(BaseModel):
    """checks: name → what is wrong, null where nothing is."""

    status: str
    checks: dict[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSide:
    """What is asked of the loop, each time anew. checks: name → what is wrong. metrics: in Prometheus' text format.

    StorageError of either: the ledger does not answer.
    """

    checks: Callable[[], Mapping[str, str | None]]
    metrics: Callable[[], bytes]


def live_routes(live: LiveSide) -> APIRouter:
    """`GET /ready` and `GET /metrics`."""
    router = APIRouter()

    @router.get("/ready", responses={503: {"model": Ready, "description": "something is wrong"}})
    def ready(response: Response) -> Ready:
        """Say whether the loop does its work: 200 when it does, else 503 and what is wrong."""
        try:
            checks = dict(live.checks())
        except StorageError as error:
            checks = {"ledger": error.what}
        is_ready = not any(checks.values())
        response.status_code = 200 if is_ready else 503
        return Ready(status="ready" if is_ready else "not ready", checks=checks)

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def metrics() -> Response:
        """Give the metrics of the loop."""
        return Response(live.metrics(), media_type=METRICS_TYPE)

    return router
