"""REV-R33: the four paths of A/B tests, over the real application."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger_world import loop_came_to
from pawl.jobs.live.rollouts import tick_rollouts
from pawl.ledger.ab_tests import list_tests
from pawl.ledger.database import Ledger
from pawl.ledger.live_log import live_entries
from pawl.ledger.rollouts import list_moves, list_rollouts
from pawl.ledger.signal_tables import trading_signals
from pawl.ledger.signals import NewSignal, SignalOutcome, record_signals, resolve_signal
from pawl.serving.ab_test_routes import AB_TESTS, AbTests
from pawl.serving.app import create_app
from pawl.serving.server_settings import ServerSettings
from rollout_world import BEGAN, NEW, OLD, THIRD, Life, Said
from serving_world import World


class AbWorld(World):
    """A service beside a learner whose version NEW has passed the gate."""

    def __init__(self, ledger: Ledger, **settings: Any) -> None:
        super().__init__(ledger, **settings)
        self.life = Life(ledger)
        self.at = self.life.at
        self.app = create_app(self.service, tests=AbTests(world_of=lambda name: self.life.world))

    def started(self, **body: Any) -> dict[str, Any]:
        """A test that was just started."""
        answer = self.post(f"{AB_TESTS}/start", {"model_b_version": NEW, **body})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def lives(self, days: float) -> None:
        """Time passes, and the new version wins more often."""

        def winning(version: str, number: int) -> Said:
            wins = 8 if version == NEW else 5
            return Said(pnl=0.001 if number % 10 < wins else -0.001, confidence=wins / 10)

        self.life.live(days, winning)
        self.at = self.life.at

    def open_signals(self, hours: int) -> Counter[str]:
        """Some hours whose signals stay without an outcome; how many of each version."""
        self.life.live(hours / 24, lambda version, number: Said(pnl=None))
        self.at = self.life.at
        c = trading_signals.c
        with self.ledger.reading() as tx:
            acting = sa.select(c.model_version).where(c.resolved_at.is_(None), ~c.is_shadow)
            return Counter(tx.execute(acting).scalars())

    def comes_late(self, test: dict[str, Any]) -> None:
        """What was open when the test ended loses, and a signal of the test is written that was on its way."""
        c, lost = trading_signals.c, SignalOutcome(outcome="loss", pnl=-0.5, source="virtual")
        with self.ledger.transaction() as tx:
            rows = tx.execute(sa.select(trading_signals).where(c.resolved_at.is_(None))).all()
            for row in rows:
                resolve_signal(tx, row.id, lost, self.at + timedelta(hours=1))
            late = NewSignal(
                pair="GBPUSD", timeframe="1h", bar_timestamp=self.at, model_version=NEW, learner="m002",
                signal="buy", confidence=0.9, features_hash="f" * 64, trace_id="late", ab_test_id=UUID(test["id"]),
            )  # fmt: skip
            record_signals(tx, [late], self.at + timedelta(hours=1))

    def told(self, test: dict[str, Any], what: str) -> dict[str, Any]:
        """What is answered about a test."""
        answer = self.ask("GET", f"{AB_TESTS}/{test['id']}/{what}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def world(ledger: Ledger) -> Iterator[AbWorld]:
    with AbWorld(ledger) as opened:
        yield opened


@pytest.fixture
def small(sqlite_ledger: Ledger) -> Iterator[AbWorld]:
    with AbWorld(sqlite_ledger) as opened:
        yield opened


def test_rev_r33_the_four_paths_stand_to_the_letter(small: AbWorld) -> None:
    paths = small.app.openapi()["paths"]
    found = sorted((method.upper(), path) for path in paths if "ab-test" in path for method in paths[path])
    assert found == [
        ("GET", "/api/v1/ml/ab-test/{id}/report"),
        ("GET", "/api/v1/ml/ab-test/{id}/status"),
        ("POST", "/api/v1/ml/ab-test/start"),
        ("POST", "/api/v1/ml/ab-test/{id}/stop"),
    ]


def test_rev_r33_a_test_is_started_seen_stopped_and_reported(world: AbWorld) -> None:
    """Stop sets `stopped`, and freezes the counts; there is no winner then."""
    test = world.started(model_a_version=OLD, test_name="week 9", traffic_split=0.75)
    assert (test["status"], test["model_a_version"], test["model_b_version"]) == ("running", OLD, NEW)
    assert (test["test_name"], test["traffic_split"], test["learner"]) == ("week 9", 0.75, "m002")
    world.lives(2)
    waiting = world.open_signals(hours=6)
    seen = world.told(test, "status")
    n_a, n_b = seen["model_a_predictions"], seen["model_b_predictions"]
    assert n_a + n_b == 2 * 54 and n_a > 2 * n_b > 0
    assert (seen["p_value"], seen["winner"]) == (None, None)
    stopped = world.post(f"{AB_TESTS}/{test['id']}/stop")
    assert stopped.status_code == 200 and stopped.json()["status"] == "stopped"
    assert {**stopped.json(), "status": "running", "end_date": seen["end_date"]} == seen
    report = world.told(test, "report")
    assert (report["model_a"]["resolved"], report["model_b"]["resolved"]) == (n_a - waiting[OLD], n_b - waiting[NEW])
    world.comes_late(test)
    world.life.live(1)
    tick_rollouts(world.life.world, world.life.at)
    assert world.told(test, "status") == stopped.json() and world.told(test, "report") == report
    assert (report["status"], report["winner"], report["rollout"]) == ("stopped", None, "aborted")
    assert (report["model_a"]["predictions"], report["model_b"]["predictions"]) == (n_a, n_b)
    again = world.post(f"{AB_TESTS}/{test['id']}/stop")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "refused")
    with world.ledger.reading() as tx:
        last = list_moves(tx, list_rollouts(tx)[0].rollout_id)[-1]
    assert last.by == f"user {world.user_id('ann')}" and "the test was stopped" in last.reason


def test_rev_r33_tests_start_and_stop_at_the_instant_of_the_loop(world: AbWorld) -> None:
    """Whatever the time of the day is: by that the first test would have been decided long before the second one."""
    first, second, third = (BEGAN + timedelta(days=number) for number in (1, 2, 3))
    world.at = BEGAN + timedelta(days=400)
    with world.ledger.transaction() as tx:
        world.life.judged(tx, THIRD)
        loop_came_to(tx, first)
    world.started()
    with world.ledger.transaction() as tx:
        loop_came_to(tx, second)
    test = world.started(model_b_version=THIRD)
    with world.ledger.transaction() as tx:
        loop_came_to(tx, third)
    assert world.post(f"{AB_TESTS}/{test['id']}/stop").status_code == 200
    with world.ledger.reading() as tx:
        told = [(one.status, one.test.started_at, one.test.ends_at, one.updated_at) for one in list_tests(tx)]
        moves = [[move.at for move in list_moves(tx, one.rollout_id)] for one in list_rollouts(tx)]
        acts = [(one.name, one.at) for one in live_entries(tx, "m002", "act")]
    assert told == [("stopped", first, second, second), ("stopped", second, third, third)]
    assert moves == [[first, second], [second, third]]
    assert acts == [("rollout start", first), ("rollout start", second), ("rollout abort", third)]


def test_a_report_of_a_decided_test_names_its_winner(world: AbWorld) -> None:
    test = world.started()
    world.lives(7)
    assert world.told(test, "report")["winner"] is None
    tick_rollouts(world.life.world, world.at)
    report = world.told(test, "report")
    assert (report["status"], report["winner"], report["is_significant"]) == ("completed", "model_b", True)
    assert (report["min_resolved"], report["significance"], report["rollout"]) == (30, 0.05, "running")
    for arm, version in (("model_a", OLD), ("model_b", NEW)):
        found = report[arm]
        assert found["version"] == version and found["resolved"] >= 30
        assert found["win_rate"] == pytest.approx(found["wins"] / found["resolved"], abs=5e-5)


def test_a_test_that_is_started_again_is_the_same_one(world: AbWorld) -> None:
    assert world.started()["id"] == world.started()["id"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "bad_input"),
        ({"model_b_version": "m002-1.4", "extra": 1}, 422, "bad_input"),
        ({"model_b_version": "m002"}, 422, "bad_input"),
        ({"model_b_version": 7}, 422, "bad_input"),
        ({"model_b_version": "m002-1.4", "traffic_split": 0.0}, 422, "bad_input"),
        ({"model_b_version": "m002-1.4", "traffic_split": "half"}, 422, "bad_input"),
        ({"model_b_version": "m002-1.4", "test_name": ""}, 422, "bad_input"),
        ({"model_b_version": "m002-1.4", "test_name": "a\u0000b"}, 422, "bad_input"),
        ({"model_b_version": "m002-7.7"}, 404, "not_found"),
        ({"model_b_version": "m002-7.7-daily-20260105"}, 404, "not_found"),
        ({"model_b_version": "m002-1.4", "model_a_version": "m002-7.7"}, 409, "refused"),
        ({"model_b_version": "m002-1.3"}, 409, "refused"),
    ],
)
def test_a_start_that_makes_no_sense_is_refused_in_words(
    small: AbWorld, body: dict[str, Any], status: int, code: str
) -> None:
    answer = small.post(f"{AB_TESTS}/start", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    assert answer.json()["error"]["fix"]


def test_a_version_that_the_gate_refused_is_not_tested(small: AbWorld) -> None:
    """Half of the traffic is no place to try out what was not measured."""
    with small.ledger.transaction() as tx:
        small.life.judged(tx, "m002-1.7", passes=False)  # type: ignore[arg-type]
    answer = small.post(f"{AB_TESTS}/start", {"model_b_version": "m002-1.7"})
    assert answer.status_code == 409 and "no passing verdict" in answer.json()["error"]["what"]


def test_a_candidate_on_another_plan_is_not_tested(small: AbWorld) -> None:
    small.life.begin()
    answer = small.post(f"{AB_TESTS}/start", {"model_b_version": NEW})
    assert answer.status_code == 409 and "rolled out by another plan" in answer.json()["error"]["what"]


@pytest.mark.parametrize("path", ["status", "report"])
def test_an_unknown_test_is_not_found(small: AbWorld, path: str) -> None:
    for unknown, status in ((UUID(int=1), 404), ("week-9", 422)):
        assert small.ask("GET", f"{AB_TESTS}/{unknown}/{path}").status_code == status
    assert small.post(f"{AB_TESTS}/{UUID(int=1)}/stop").status_code == 404


def test_nobody_asks_without_a_token(small: AbWorld) -> None:
    for method, path in (("POST", "start"), ("GET", f"{UUID(int=1)}/status"), ("POST", f"{UUID(int=1)}/stop")):
        assert small.ask(method, f"{AB_TESTS}/{path}", user=None).status_code == 401


def test_where_operators_are_named_nobody_else_starts_or_stops_a_test(sqlite_ledger: Ledger) -> None:
    operator = ServerSettings(operators=[UUID(int=3)]).operators
    with AbWorld(sqlite_ledger, operators=operator) as world:
        answer = world.post(f"{AB_TESTS}/start", {"model_b_version": NEW})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        world.life.plan = "reversal"
        stored = world.life.begin()
        world.at += timedelta(days=1)
        assert world.post(f"{AB_TESTS}/{stored.ab_test_id}/stop").status_code == 403
        assert world.ask("GET", f"{AB_TESTS}/{stored.ab_test_id}/status").status_code == 200
