"""`POST /predict`: the body is checked, the version that decides is asked, and the inference stands in the ledger.

It is answered ahead of the framework, whose way to a body and from an answer takes longer than routing, model and
ledger together (bench/predict.py).
"""

from typing import Any

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from pawl.errors import PawlError
from pawl.serving.edge import BoundedBody, log_request
from pawl.serving.guard import admit
from pawl.serving.prediction_bodies import PredictBody, PredictionAnswer
from pawl.serving.predictor import Predictor
from pawl.serving.problems import ERROR_RESPONSES, answer_to
from pawl.serving.service import Service

__all__ = ["PATH", "PredictPath", "predict_routes"]

PATH = "/predict"


class PredictPath:
    """The path as an ASGI application of its own: token, rate and limit of the body as on every other path.

    What was answered stands in the ledger, with its time and how long it took; the log has a line of what was not.
    """

    def __init__(self, service: Service, predictor: Predictor) -> None:
        self.service = service
        self.predictor = predictor

    def takes(self, scope: Scope) -> bool:
        """Whether a request is one for it."""
        return bool(scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        clock = self.service.tokens.clock
        started = clock()
        try:
            content = await self._answered(scope, receive)
        except ClientDisconnect:
            return
        except Exception as error:
            answer = answer_to(error)
            log_request(self.service.now(), "POST", PATH, answer.status_code, clock() - started)
            await answer(scope, receive, send)
            if not isinstance(error, PawlError | RequestValidationError | HTTPException):
                raise  # for the server's own log, as the framework does
            return
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": content})

    async def _answered(self, scope: Scope, receive: Receive) -> bytes:
        # Of a header that came twice the first counts, as in the framework.
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        user_id = await admit(self.service, headers)
        bounded = BoundedBody(receive, self.service.settings.max_body_bytes, scope)
        answer = await self.predictor.answer(_body(await _content(bounded)), user_id)
        return answer.model_dump_json().encode()


def predict_routes() -> APIRouter:
    """POST /predict, as the document has it and as other methods are told."""
    responses: dict[int | str, dict[str, Any]] = dict(ERROR_RESPONSES)
    router = APIRouter(responses=responses)

    @router.post(PATH)
    async def predict(body: PredictBody) -> PredictionAnswer:  # only its signature is read
        """What a model says of the last bar that has closed."""
        raise AssertionError("the path is answered ahead of the framework")

    return router


async def _content(receive: BoundedBody) -> bytes:
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


def _body(content: bytes) -> PredictBody:
    try:
        return PredictBody.model_validate_json(content)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from None
