"""Who may ask, and how often: decided before a byte of the body is read."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute

from pawl.ledger.tokens import token_hash
from pawl.serving.problems import ERROR_RESPONSES, RateLimitedError, UnauthorizedError, UnsupportedMediaTypeError
from pawl.serving.service import Service

__all__ = ["Caller", "admit", "guarded_router"]

MAX_TOKEN = 200


async def _caller(request: Request) -> UUID:
    user_id: UUID = request.state.user_id
    return user_id


Caller = Annotated[UUID, Depends(_caller)]
"""In the arguments of a guarded route: the user whose token came with the request."""


def guarded_router(service: Service) -> APIRouter:
    """A router whose every route asks for a token first, within its rate; its errors have one form."""

    class GuardedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
            inner = super().get_route_handler()

            async def guarded(request: Request) -> Response:
                request.state.user_id = await admit(service, request.headers)
                return await inner(request)

            return guarded

    responses: dict[int | str, dict[str, Any]] = dict(ERROR_RESPONSES)
    return APIRouter(route_class=GuardedRoute, responses=responses)


async def admit(service: Service, headers: Mapping[str, str]) -> UUID:
    """The user of a request. headers: by their names in small letters.

    UnauthorizedError without a token that holds; RateLimitedError; UnsupportedMediaTypeError for a body not of JSON.
    """
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(token) <= MAX_TOKEN:
        raise _unauthorized()
    user_id = await service.tokens.user_of(token)
    if user_id is None:
        raise _unauthorized()
    wait_sec = service.limit.wait_sec(token_hash(token))
    if wait_sec > 0:
        raise RateLimitedError.after(wait_sec)
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if has_body and not _is_json(headers.get("content-type", "")):
        raise UnsupportedMediaTypeError(
            "the body is not said to be JSON", where="header Content-Type", fix="send Content-Type: application/json"
        )
    return user_id


def _is_json(content_type: str) -> bool:
    """Whether a media type is JSON.

    >>> [_is_json(text) for text in ("application/json", "application/JSON; charset=utf-8", "text/plain", "")]
    [True, True, False, False]
    """
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))


def _unauthorized() -> UnauthorizedError:
    return UnauthorizedError(
        "no token that holds came with this request",
        where="header Authorization",
        fix="send Authorization: Bearer TOKEN; make one with: pawl token create NAME",
    )
