"""The application: routes, guard, errors and the OpenAPI document, put together."""

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from pawl import __version__
from pawl.serving.ab_test_routes import AbTests, ab_test_routes
from pawl.serving.edge import Edge
from pawl.serving.live_routes import LiveSide, live_routes
from pawl.serving.passport_routes import Passport, passport_routes
from pawl.serving.predict_routes import PredictPath, predict_routes
from pawl.serving.predictor import Predictor
from pawl.serving.problems import ERROR_RESPONSES, answer_errors
from pawl.serving.service import Service
from pawl.serving.write_routes import write_routes

__all__ = ["Health", "create_app"]

TITLE = "Pawl"
PUBLIC = ("/health", "/ready", "/metrics")


class Health(BaseModel):
    """The server answers. It says nothing about the ledger."""

    status: str = "ok"


class _App(FastAPI):
    """ahead: answers what it takes before the framework looks at it, for it is in a hurry."""

    ahead: PredictPath | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self.ahead is not None and self.ahead.takes(scope):
            await self.ahead(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


def create_app(
    service: Service,
    passport: Passport | None = None,
    *,
    live: LiveSide | None = None,
    tests: AbTests | None = None,
    predictor: Predictor | None = None,
) -> FastAPI:
    """The application of a service. Its caller closes the writers once the application has ended.

    passport, tests, predictor: None for a server without those paths. live: of the loop that runs beside it, if any.
    """
    # Its pages of documentation fetch scripts from elsewhere; the document they show is enough. A redirect to a path
    # without its slash would be built from the header Host, which a client chooses.
    app = _App(title=TITLE, version=__version__, docs_url=None, redoc_url=None, redirect_slashes=False)
    if predictor is not None:
        app.ahead = PredictPath(service, predictor)
        app.include_router(predict_routes())
    app.include_router(_public_routes())
    app.include_router(write_routes(service))
    if passport is not None:
        app.include_router(passport_routes(service, passport))
    if live is not None:
        app.include_router(live_routes(live))
    if tests is not None:
        app.include_router(ab_test_routes(service, tests))
    answer_errors(app)
    settings = service.settings
    app.add_middleware(Edge, max_body_bytes=settings.max_body_bytes, now=service.now, clock=service.tokens.clock)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]  # the documented way to extend it
    return app


def _public_routes() -> APIRouter:
    router = APIRouter()

    @router.get("/health", responses={code: ERROR_RESPONSES[code] for code in (405, 500)})
    async def health() -> Health:
        """Say that the server answers."""
        return Health()

    return router


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the token that every path but the public ones asks for."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for path, operations in document["paths"].items():
            for operation in operations.values():
                operation["security"] = [] if path in PUBLIC else [{"token": []}]
        app.openapi_schema = document
    return app.openapi_schema
