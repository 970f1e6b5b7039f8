"""`POST /predict`: the body is checked, the version that decides is asked, and the inference stands in the ledger."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError

from pawl.serving.guard import admit
from pawl.serving.prediction_bodies import PredictBody, PredictionAnswer
from pawl.serving.predictor import Predictor
from pawl.serving.problems import ERROR_RESPONSES
from pawl.serving.service import Service

__all__ = ["predict_routes"]


def predict_routes(service: Service, predictor: Predictor) -> APIRouter:
    """POST /predict."""

    async def answered(request: Request) -> Response:
        user_id = await admit(service, request.headers)
        answer = await predictor.answer(_body(await request.body()), user_id)
        return Response(answer.model_dump_json(), media_type="application/json")

    class DirectRoute(APIRoute):
        # The framework's way to a body and from an answer takes longer than routing, model and ledger together
        # (bench/predict.py). It still writes the document, from the signature below.
        def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
            return answered

    responses: dict[int | str, dict[str, Any]] = dict(ERROR_RESPONSES)
    router = APIRouter(route_class=DirectRoute, responses=responses)

    @router.post("/predict")
    async def predict(body: PredictBody) -> PredictionAnswer:  # only its signature is read
        """What a model says of the last bar that has closed."""
        raise AssertionError("the route answers by itself")

    return router


def _body(content: bytes) -> PredictBody:
    try:
        return PredictBody.model_validate_json(content)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in found]) from None
