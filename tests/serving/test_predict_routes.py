"""POST /predict: who decides, what is filed, and what is refused; on both databases, through the real application."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from pawl.errors import StorageError
from pawl.gates.ab_test import AbTest, arm_of
from pawl.gates.routing import route
from pawl.ids import ModelVersion
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.chain_check import check_chains
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import inference_logs
from pawl.ledger.identity import identity
from pawl.ledger.inference_writer import Entry, Filed
from pawl.ledger.rollouts import save_rollout
from pawl.serving.prediction_bodies import PredictBody
from predict_world import BAR, PredictWorld, bars, ready
from serving_world import NOW, counts


@pytest.fixture
def world(ledger: Ledger, tmp_path: Path) -> Iterator[PredictWorld]:
    with PredictWorld(ledger, tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def small(sqlite_ledger: Ledger, tmp_path: Path) -> Iterator[PredictWorld]:
    with PredictWorld(sqlite_ledger, tmp_path / "home") as opened:
        yield opened


def given(rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"learner": "tiny", "ticker": "BTCUSDT", "market_data": rows, **more}


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_the_active_version_answers_and_its_inference_stands_first(world: PredictWorld) -> None:
    version = world.promoted(0.7)
    answer = world.post("/predict", given(bars()))
    assert answer.status_code == 200, answer.text
    said = answer.json()
    inference_id, trace_id = said.pop("inference_id"), said.pop("trace_id")
    assert said == {
        "signal": "long",
        "confidence": 0.7,
        "model_version": version,
        "ab_test_id": None,
        "bar_timestamp": "2024-02-29T00:00:00Z",
    }
    (row,) = world.rows(inference_logs)
    assert (str(row.inference_id), row.trace_id, row.model_version, row.learner) == (
        inference_id, trace_id, version, "tiny",
    )  # fmt: skip
    assert row.response_payload == {
        "signal": "long", "action": "long", "confidence": 0.7, "reason": None, "ab_test_id": None,
    }  # fmt: skip
    assert (row.user_id, row.created_at, row.prompt_payload["n_bars"]) == (world.user_id("ann"), NOW, 60)
    with world.ledger.reading() as tx:
        assert not check_chains(tx).breaks


def test_ready_features_are_answered_and_kept(world: PredictWorld) -> None:
    world.promoted(0.7)
    assert world.post("/predict", ready(0.1)).json()["confidence"] == 0.7
    assert world.post("/predict", ready(-0.1)).json()["confidence"] == 0.2
    kept = [row.prompt_payload["features"] for row in world.rows(inference_logs)]
    assert sorted(kept) == ["-0.1 0.2", "0.1 0.2"]


def test_rev_r5_only_bars_that_had_closed_are_read_and_the_last_of_them_is_named(world: PredictWorld) -> None:
    """REV-R5: a bar that is still open changes nothing, neither the answer nor what is filed."""
    world.promoted(0.7)
    closed = bars(fall=0.5)
    open_one = {**bars(1)[0], "ts": (BAR + timedelta(days=1)).isoformat(), "open": 500.0, "high": 900.0, "close": 900.0}
    without, with_it = (world.post("/predict", given(rows)).json() for rows in (closed, [*closed, open_one]))
    assert without == with_it
    assert (without["confidence"], without["bar_timestamp"]) == (0.2, "2024-02-29T00:00:00Z")
    assert [row.prompt_payload["bar_timestamp"] for row in world.rows(inference_logs)] == [
        "2024-02-29T00:00:00.000000Z"
    ]
    world.later(days=1)  # now it has closed, and turns the return round
    later = world.post("/predict", given([*closed, open_one])).json()
    assert (later["confidence"], later["bar_timestamp"]) == (0.7, "2024-03-01T00:00:00Z")


def test_rev_r5_a_bar_that_closes_at_this_very_instant_is_not_read_yet(small: PredictWorld) -> None:
    small.promoted(0.7)
    small.at = BAR + timedelta(days=1)
    assert small.post("/predict", given(bars())).json()["bar_timestamp"] == "2024-02-28T00:00:00Z"
    assert code_of(small.post("/predict", ready())) == (422, "bad_input")
    small.later(microseconds=1)
    assert small.post("/predict", ready()).status_code == 200


def test_rev_r29_without_an_active_version_there_is_an_error_and_no_signal(world: PredictWorld) -> None:
    """REV-R29: the active version is used; with none active nothing is said, and nothing is filed."""
    trained = world.trained(0.7)
    assert code_of(world.post("/predict", ready())) == (409, "no_active_version")
    assert code_of(world.post("/predict", given(bars()))) == (409, "no_active_version")
    assert counts(world.ledger)["model_inference_logs"] == 0
    promoted = world.promoted(0.8)
    assert world.post("/predict", ready()).json()["model_version"] == promoted != trained


def test_rev_r28_a_prediction_of_a_test_carries_its_version_and_the_test(world: PredictWorld) -> None:
    """REV-R28, the part of the endpoint: both stand in the answer and in the ledger; a retry counts once."""
    a, b = world.promoted(0.7), world.trained(0.9)
    test_id = world.tested(a, b)
    test = AbTest(
        test_id=str(test_id), model_a=a, model_b=b, traffic_split=0.5, started_at=NOW, ends_at=NOW + timedelta(7)
    )
    said: dict[str, int] = {a: 0, b: 0}
    for number in range(40):
        body = ready(at=BAR - timedelta(days=number))
        first, again = (world.post("/predict", body).json() for _ in range(2))
        assert first == again
        expected = arm_of(test, "BTCUSDT", "1d", BAR - timedelta(days=number))
        assert (first["model_version"], first["ab_test_id"]) == (expected, str(test_id))
        assert first["confidence"] == (0.7 if expected == a else 0.9)
        said[first["model_version"]] += 1
    rows = world.rows(inference_logs)
    assert {row.model_version for row in rows} == {a, b}
    assert {row.response_payload["ab_test_id"] for row in rows} == {str(test_id)}
    (counted,) = world.rows(ab_tests)
    assert (counted.model_a_predictions, counted.model_b_predictions) == (said[a], said[b])
    assert len(rows) == 40


def test_pass_r34_a_canary_has_its_share_of_the_users_and_a_share_that_moves_counts_at_once(
    world: PredictWorld,
) -> None:
    """PASS-R34, the part of the endpoint: users are drawn as in the live loop, and nobody flips back."""
    champion, candidate = world.promoted(0.7), world.trained(0.9)
    users = [identity("user", "canary", number) for number in range(60)]
    body = PredictBody.model_validate(ready())

    def acting() -> list[str]:
        return [world._runner.run(world.predictor.answer(body, user)).model_version for user in users]

    assert acting() == [champion] * 60
    stored, said = world.shared(champion, candidate, 0.2), []
    for share in (0.2, 0.6, 1e-9):
        with world.ledger.transaction() as tx:
            before, stored = stored, replace(stored, share=share)
            save_rollout(tx, before, stored)
        said.append(acting())
        assert said[-1] == [route(champion, candidate, share, str(user)).acting for user in users]
    few, many, none = ({user for user, one in zip(users, of, strict=True) if one == candidate} for of in said)
    assert 5 <= len(few) <= 20 and 25 <= len(many) <= 47 and few < many and not none
    with world.ledger.reading() as tx:
        assert not check_chains(tx).breaks


def test_a_test_of_a_version_that_serves_no_longer_draws_nobody(small: PredictWorld) -> None:
    small.tested(small.promoted(0.7), small.trained(0.9))
    now = small.promoted(0.8)
    for number in range(6):
        said = small.post("/predict", ready(at=BAR - timedelta(days=number))).json()
        assert (said["model_version"], said["ab_test_id"]) == (now, None)


def test_the_arm_of_a_bar_does_not_depend_on_who_asks(small: PredictWorld) -> None:
    small.tested(small.promoted(0.7), small.trained(0.9))
    for number in range(10):
        body = ready(at=BAR - timedelta(days=number))
        of_ann, of_bob = (small.post("/predict", body, user=user).json() for user in ("ann", "bob"))
        assert of_ann["model_version"] == of_bob["model_version"]
        assert of_ann["inference_id"] != of_bob["inference_id"]


def test_a_stopped_test_keeps_its_counts_and_the_active_version_answers_again(world: PredictWorld) -> None:
    a = world.promoted(0.7)
    test_id = world.tested(a, world.trained(0.9))
    for number in range(6):
        world.post("/predict", ready(at=BAR - timedelta(days=number)))
    before = world.rows(ab_tests)[0]
    world.stopped(test_id)
    for number in range(6, 12):
        said = world.post("/predict", ready(at=BAR - timedelta(days=number))).json()
        assert (said["model_version"], said["ab_test_id"]) == (a, None)
    after = world.rows(ab_tests)[0]
    arms = ("model_a_predictions", "model_b_predictions")
    assert [getattr(after, arm) for arm in arms] == [getattr(before, arm) for arm in arms]


def test_a_move_of_the_alias_counts_from_the_next_answer_on(world: PredictWorld) -> None:
    old = world.promoted(0.7)
    assert world.post("/predict", ready()).json()["model_version"] == old
    new = world.promoted(0.8)
    assert world.post("/predict", ready()).json()["model_version"] == new
    world.rolled_back(old)
    assert world.post("/predict", ready()).json()["model_version"] == old
    assert [row.model_version for row in world.rows(inference_logs)] == [old, new]


def test_a_move_between_answer_and_filing_sends_the_request_back(
    world: PredictWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.promoted(0.7)
    world.post("/predict", ready(at=BAR - timedelta(days=9)))
    moved: list[ModelVersion] = []
    file = world.predictor.desk.file

    async def move_first(entry: Entry) -> Filed:
        if not moved:
            moved.append(world.promoted(0.8))
        return await file(entry)

    monkeypatch.setattr(world.predictor.desk, "file", move_first)
    said = world.post("/predict", ready()).json()
    assert (said["model_version"], said["confidence"]) == (moved[0], 0.8)
    assert len(world.rows(inference_logs, model_version=moved[0])) == 1
    assert len(world.rows(inference_logs)) == 2


def test_a_version_that_is_named_answers_whoever_serves(world: PredictWorld) -> None:
    served, other = world.promoted(0.7), world.trained(0.9)
    world.tested(served, other)
    for version, share in ((served, 0.7), (other, 0.9)):
        said = world.post("/predict", ready(version=version)).json()
        assert (said["model_version"], said["confidence"], said["ab_test_id"]) == (version, share, None)
    short = world.post("/predict", ready(version=f"v{other.removeprefix('tiny-')}")).json()
    assert short["model_version"] == other
    counted = world.rows(ab_tests)[0]
    assert (counted.model_a_predictions, counted.model_b_predictions) == (0, 0)


def test_the_same_request_again_is_the_same_inference(world: PredictWorld) -> None:
    world.promoted(0.7)
    answers = [world.post("/predict", body).json() for body in (ready(), ready(), given(bars()), given(bars()))]
    assert answers[0] == answers[1]
    assert answers[2] == answers[3]
    assert len(world.rows(inference_logs)) == 2


def test_many_at_once_are_all_filed_and_chained(world: PredictWorld) -> None:
    world.promoted(0.7)

    async def crowd() -> list[httpx.Response]:
        transport = httpx.ASGITransport(world.app)
        head = {"Authorization": "Bearer pawl_ann"}
        async with httpx.AsyncClient(transport=transport, base_url="http://pawl", headers=head) as client:
            asked = (client.post("/predict", json=ready(at=BAR - timedelta(days=n))) for n in range(80))
            return list(await asyncio.gather(*asked))

    answers = world._runner.run(crowd())
    assert [answer.status_code for answer in answers] == [200] * 80
    assert {UUID(answer.json()["inference_id"]) for answer in answers} == {
        row.inference_id for row in world.rows(inference_logs)
    }
    with world.ledger.reading() as tx:
        assert not check_chains(tx).breaks


def test_what_the_ledger_does_not_take_is_not_answered(small: PredictWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    small.promoted(0.7)

    async def full(entry: Entry) -> Filed:
        raise StorageError("the disk is full", where="ledger", fix="free some space")

    monkeypatch.setattr(small.predictor.desk, "file", full)
    answer = small.post("/predict", ready())
    assert code_of(answer) == (503, "storage")
    assert "signal" not in answer.json()


def test_a_later_trade_may_rest_on_the_prediction(small: PredictWorld) -> None:
    small.promoted(0.7)
    said = small.post("/predict", ready()).json()
    tracked = small.post(
        "/api/signals/track",
        {"ticker": "BTCUSDT", "direction": "short", "entry": 100.0, "inference_id": said["inference_id"]},
    )
    assert tracked.status_code == 201, tracked.text
    assert tracked.json()["inference_id"] == said["inference_id"]


def broken(**change: Any) -> list[dict[str, Any]]:
    rows = bars()
    return [*rows[:30], {**rows[30], **change}, *rows[31:]]


BAD: list[tuple[str, dict[str, Any], int, str]] = [
    ("an unknown version", ready(version="tiny-9.9"), 404, "not_found"),
    ("no version at all", ready(version="nonsense"), 404, "not_found"),
    ("another learner's version", ready(version="m002-1.0"), 422, "bad_input"),
    ("an unknown learner", ready(learner="nobody"), 404, "not_found"),
    ("too few bars", given(bars(10)), 422, "too_little_data"),
    ("too few closed ones", given(bars(25, until=BAR + timedelta(days=10))), 422, "too_little_data"),
    ("bars backwards", given(bars()[::-1]), 422, "bars_out_of_order"),
    ("a bar twice", given([bars()[0], *bars()]), 422, "bars_out_of_order"),
    ("a high below the close", given(broken(high=50.0)), 422, "bad_input"),
    ("a price of zero", given(broken(low=0.0)), 422, "bad_input"),
    ("a price that is a text", given(broken(close="101")), 422, "bad_input"),
    ("a time without a zone", given(broken(ts="2024-01-31T00:00:00")), 422, "bad_input"),
    ("an unknown column", given(broken(vwap=100.0)), 422, "bad_input"),
    ("no bar at all", given([]), 422, "bad_input"),
    ("bars and features", given(bars(), features=[0.1, 0.2]), 422, "bad_input"),
    ("neither", {"learner": "tiny", "ticker": "BTCUSDT"}, 422, "bad_input"),
    ("a pair and a ticker", ready(pair="EURUSD"), 422, "bad_input"),
    ("another timeframe", ready(timeframe="15m"), 422, "bad_input"),
    ("features without their bar", ready() | {"bar_timestamp": None}, 422, "bad_input"),
    ("a bar that has not closed", ready(at=NOW - timedelta(hours=12)), 422, "bad_input"),
    ("a time at which no bar opens", ready(at=BAR - timedelta(hours=5)), 422, "bad_input"),
    ("a feature too many", ready(features=[0.1, 0.2, 0.3]), 422, "bad_input"),
    ("two rows for one", ready(features=[[0.1, 0.2], [0.1, 0.2]]), 422, "bad_input"),
    ("rows of two lengths", ready(features=[[0.1, 0.2], [0.1]]), 422, "bad_input"),
    ("a feature that is null", ready(features=[0.1, None]), 422, "bad_input"),
    ("an unknown field", ready(model="x"), 422, "bad_input"),
]


@pytest.mark.parametrize(("body", "status", "code"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_cannot_be_answered_is_refused_and_nothing_is_filed(
    small: PredictWorld, body: dict[str, Any], status: int, code: str
) -> None:
    small.promoted(0.7)
    answer = small.post("/predict", body)
    assert code_of(answer) == (status, code), answer.text
    assert counts(small.ledger)["model_inference_logs"] == 0
    assert small.post("/predict", ready()).status_code == 200


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(small: PredictWorld, number: str) -> None:
    small.promoted(0.7)
    for text in (
        json.dumps(ready()).replace("0.2]", f"{number}]"),
        json.dumps(given(broken(volume=77.5))).replace("77.5", number),
    ):
        assert code_of(small.text("/predict", text)) == (422, "bad_input"), number


def test_a_body_that_is_no_json_and_a_caller_without_a_token_are_refused(small: PredictWorld) -> None:
    assert code_of(small.text("/predict", "{")) == (400, "bad_json")
    assert code_of(small.post("/predict", ready(), user=None)) == (401, "unauthorized")
    assert code_of(small.ask("GET", "/predict")) == (405, "method_not_allowed")


def test_a_learner_that_takes_bars_alone_says_so(small: PredictWorld) -> None:
    small.promoted(0.7, learner="deaf")
    assert code_of(small.post("/predict", ready(learner="deaf"))) == (422, "bad_input")
    assert small.post("/predict", {**given(bars()), "learner": "deaf"}).json()["confidence"] == 0.7


def test_a_version_whose_bytes_were_changed_says_nothing(small: PredictWorld) -> None:
    version = small.promoted(0.7)
    artifact = small.workspace.versions.get(version).artifact
    for path in (small.workspace.home / "artifacts").rglob("*"):
        if path.is_file() and path.name != artifact:
            path.write_bytes(b"[0.9, 0.9]")
    assert code_of(small.post("/predict", ready())) == (500, "internal")
    assert counts(small.ledger)["model_inference_logs"] == 0


def test_the_document_tells_what_it_takes_and_gives(small: PredictWorld) -> None:
    document = small.ask("GET", "/openapi.json", user=None).json()
    asked = document["paths"]["/predict"]["post"]
    assert asked["security"] == [{"token": []}]
    assert asked["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/PredictBody")
    assert asked["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/PredictionAnswer")
    assert {"401", "404", "409", "422", "429", "503"} <= set(asked["responses"])
