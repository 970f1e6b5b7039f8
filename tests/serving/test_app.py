"""The OpenAPI document says what the service takes and answers."""

from typing import Any

from serving_world import World

PATHS = {
    "/api/signals/track",
    "/api/signals/{signal_id}/convert",
    "/api/quick-trades/open",
    "/api/quick-trades/{trade_id}/close",
}


def _document(world: World) -> dict[str, Any]:
    answer = world.ask("GET", "/openapi.json", user=None)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_the_four_write_paths_stand_in_the_document(small_world: World) -> None:
    paths = _document(small_world)["paths"]
    assert {path for path in paths if path.startswith(("/api/signals", "/api/quick-trades"))} == PATHS
    for path in PATHS:
        assert set(paths[path]) == {"post"}
        operation = paths[path]["post"]
        assert operation["security"] == [{"token": []}]
        assert {"200", "201", "400", "401", "404", "409", "413", "415", "422", "429", "500", "503"} <= set(
            operation["responses"]
        )


def test_every_error_of_the_document_has_the_one_form(small_world: World) -> None:
    document = _document(small_world)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    schema = answer["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/ErrorBody"}, (path, status)


def test_bodies_refuse_unknown_fields_in_the_document_too(small_world: World) -> None:
    schemas = _document(small_world)["components"]["schemas"]
    for name in ("TrackBody", "OpenBody", "ConvertBody", "CloseBody", "RecommendationBody"):
        assert schemas[name]["additionalProperties"] is False


def test_health_asks_for_no_token_and_says_nothing_of_the_ledger(small_world: World) -> None:
    answer = small_world.ask("GET", "/health", user=None)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert _document(small_world)["paths"]["/health"]["get"]["security"] == []
