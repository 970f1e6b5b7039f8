"""How a request fails: a status, a stable code, and what to do next; never a value that was secret or personal."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from pawl.errors import InputError, NotFoundError, PawlError, RefusalError

__all__ = [
    "ERROR_RESPONSES",
    "STATUS_OF_CODE",
    "ApiError",
    "BarsOutOfOrderError",
    "ClockSkewError",
    "ForbiddenError",
    "NoActiveVersionError",
    "RateLimitedError",
    "UnauthorizedError",
    "UnsupportedMediaTypeError",
    "UnsupportedVersionError",
    "answer_errors",
    "answer_to",
]

STATUS_OF_CODE = {
    "bad_json": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "refused": 409,
    "idempotency_conflict": 409,
    "already_closed": 409,
    "already_converted": 409,
    "identity_taken": 409,
    "no_active_version": 409,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "bad_input": 422,
    "unsupported_version": 422,
    "clock_skew": 422,
    "before_open": 422,
    "bars_out_of_order": 422,
    "too_little_data": 422,
    "rate_limited": 429,
    "internal": 500,
    "storage": 503,
}
"""Every code that a client can meet, with its status. Codes stay; new ones may come."""

_CODE_OF_STATUS = {
    400: ("bad_json", "the body cannot be read as JSON", "send one JSON object, as UTF-8"),
    404: ("not_found", "there is nothing at this path", "see the paths in /openapi.json"),
    405: ("method_not_allowed", "this path does not take the method", "use a method that the header Allow names"),
    413: ("body_too_large", "the body is larger than this server takes", "send a smaller body"),
}


_NEW_KEY = ("header Idempotency-Key", "send a new key with a new request")


class ErrorDetail(BaseModel):
    """code: stable, for programs. what, where, fix: for people."""

    code: str = Field(examples=["not_found"])
    what: str
    where: str
    fix: str


class ErrorBody(BaseModel):
    """Every answer from 400 on has this body."""

    error: ErrorDetail


ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": ", ".join(code for code, of in STATUS_OF_CODE.items() if of == status)}
    for status in sorted(set(STATUS_OF_CODE.values()))
}
"""For the OpenAPI document."""


class ApiError(InputError):
    """A request that is refused before the ledger sees it. headers: what its answer carries."""

    @property
    def headers(self) -> Mapping[str, str]:
        """None as a rule."""
        return {}


class UnauthorizedError(ApiError):
    """No token, or one that does not hold: the answer does not tell which."""

    code = "unauthorized"

    @property
    def headers(self) -> Mapping[str, str]:
        """How to say who asks."""
        return {"WWW-Authenticate": "Bearer"}


class ForbiddenError(ApiError):
    """A token that holds, of a user who may not do this."""

    code = "forbidden"


class UnsupportedMediaTypeError(ApiError):
    """A body that is not said to be JSON."""

    code = "unsupported_media_type"


class UnsupportedVersionError(ApiError):
    """A body of a version that this server does not know yet."""

    code = "unsupported_version"


class ClockSkewError(ApiError):
    """An action dated too far from the server's clock."""

    code = "clock_skew"


class BarsOutOfOrderError(ApiError):
    """Bars that do not rise in time."""

    code = "bars_out_of_order"


class NoActiveVersionError(ApiError):
    """Nothing serves, and so nothing is said."""

    code = "no_active_version"

    @classmethod
    def of(cls, learner: str) -> "NoActiveVersionError":
        """One that names the learner."""
        return cls(
            f"no version of `{learner}` is active",
            where="body.learner",
            fix="promote one: pawl promote; or name a version",
        )


class RateLimitedError(ApiError):
    """A token that asks too often. `after` returns it with the seconds to wait."""

    code = "rate_limited"
    wait_sec: int = 1

    @classmethod
    def after(cls, wait_sec: float) -> "RateLimitedError":
        """One that tells how long to wait."""
        seconds = max(1, ceil(wait_sec))
        error = cls("this token asks too often", where="token", fix=f"wait {seconds} s, as the header Retry-After says")
        error.wait_sec = seconds
        return error

    @property
    def headers(self) -> Mapping[str, str]:
        """How long to wait, seconds."""
        return {"Retry-After": str(self.wait_sec)}


def answer_errors(app: FastAPI) -> None:
    """Let every error leave in one form, the framework's own too."""
    for kind in (PawlError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _answered)


def answer_to(error: Exception) -> JSONResponse:
    """The answer that an error leaves as."""
    kinds = ((PawlError, _of_pawl), (RequestValidationError, _of_validation), (HTTPException, _of_framework))
    return next((answered for kind, answered in kinds if isinstance(error, kind)), _of_fault)(error)


async def _answered(request: Request, error: Exception) -> JSONResponse:
    return answer_to(error)


def _of_pawl(error: Exception) -> JSONResponse:
    assert isinstance(error, PawlError)
    code = _public_code(error)
    headers = error.headers if isinstance(error, ApiError) else {}
    if isinstance(error.__cause__, SQLAlchemyError) or STATUS_OF_CODE[code] >= 500:
        # What the database says names its tables, its address and other people's values.
        return _answer(
            code, "the ledger did not take this", "ledger", "send it again later, with the same key", headers
        )
    if code == "idempotency_conflict":  # whose text repeats the key, in which anything may stand
        return _answer(code, "this Idempotency-Key came with another request before", *_NEW_KEY)
    return _answer(code, error.what, error.where, error.fix, headers)


def _public_code(error: PawlError) -> str:
    if error.code in STATUS_OF_CODE:
        return error.code
    kinds = ((NotFoundError, "not_found"), (InputError, "bad_input"), (RefusalError, "refused"))
    return next((code for kind, code in kinds if isinstance(error, kind)), "internal")


def _of_validation(error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first: Mapping[str, Any] = error.errors()[0]
    where = _where(first["loc"])
    if first["type"] == "json_invalid":
        return _answer("bad_json", "the body cannot be read as JSON", where, "send one JSON object, as UTF-8")
    code = first["type"] if first["type"] in STATUS_OF_CODE else "bad_input"
    return _answer(code, _said(first), where, "see /openapi.json for what is taken")


def _where(loc: Sequence[object]) -> str:
    # What the client named itself may be anything, a secret too: known names alone are repeated.
    return ".".join(str(part) for part in loc if isinstance(part, int) or _is_name(str(part)))


def _is_name(part: str) -> bool:
    return len(part) <= 40 and part.replace("_", "").replace("-", "").isalpha() and part.isascii()


def _said(first: Mapping[str, Any]) -> str:
    # What pydantic says of its own types names bounds and never the value.
    said = "an unknown field" if first["type"] == "extra_forbidden" else str(first["msg"])
    return said[:1].lower() + said[1:]


def _of_framework(error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code, what, fix = _CODE_OF_STATUS.get(error.status_code, ("bad_input", "the request cannot be used", "mend it"))
    return _answer(code, what, "request", fix, error.headers or {})


def _of_fault(error: Exception) -> JSONResponse:
    return _answer(
        "internal", "a fault in the server", "server", "send it again with the same key; if it stays, report it"
    )


def _answer(code: str, what: str, where: str, fix: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = {"error": {"code": code, "what": what, "where": where, "fix": fix}}
    return JSONResponse(body, status_code=STATUS_OF_CODE[code], headers=dict(headers or {}))
