"""A/B tests over HTTP: start one, see how it stands, stop it, and compare its arms.

A test is the first stage of a rollout, so starting one asks for what a rollout asks for: a passing verdict against what
serves now. Stopping one ends the rollout with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter

from pawl.errors import RefusalError
from pawl.jobs.live.ab_acts import rollout_of, stop_by_hand
from pawl.jobs.live.act_record import acting
from pawl.jobs.live.performance import arm_figures
from pawl.jobs.live.rollout_orders import By
from pawl.jobs.live.rollout_rules import RolloutWorld
from pawl.jobs.live.rollouts import begin_rollout
from pawl.jobs.live.stage_evidence import ab_counts
from pawl.ledger.ab_tests import ArmFigures, StoredTest, get_test
from pawl.ledger.model_versions import StoredVersion, champion, get_version
from pawl.serving.ab_test_answers import AbReport, AbStatus, StartBody, report_of, status_of
from pawl.serving.guard import Caller, guarded_router
from pawl.serving.problems import ForbiddenError
from pawl.serving.service import Service

__all__ = ["AB_PLAN", "AB_TESTS", "AbTests", "ab_test_routes"]

AB_TESTS = "/api/v1/ml/ab-test"
AB_PLAN = "reversal"
"""The plan whose first stage is a test, whichever plan a learner's candidates go by otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbTests:
    """What tests stand on. world_of: learner → how its candidates are rolled out."""

    world_of: Callable[[str], RolloutWorld]


def ab_test_routes(service: Service, tests: AbTests) -> APIRouter:
    """POST start, GET {id}/status, POST {id}/stop and GET {id}/report."""
    router = guarded_router(service)

    @router.post(f"{AB_TESTS}/start", status_code=201)
    def start(body: StartBody, user_id: Caller) -> AbStatus:
        """Test a version that the gate has passed against the one that serves; an earlier test is closed first."""
        _require_operator(service, user_id)
        with service.ledger.reading() as tx:
            candidate = get_version(tx, body.model_b_version)
        with acting(service.ledger, candidate.learner, service.now()) as at:
            _require_serving(service, candidate, body.model_a_version)
            by = By(who=f"user {user_id}", at=at, split=body.traffic_split, test_name=body.test_name)
            world = replace(tests.world_of(candidate.learner), plan_name=AB_PLAN)
            begun = begin_rollout(world, candidate.version, by.at, by)
        if begun is None or begun.ab_test_id is None:
            raise RefusalError(
                f"`{candidate.version}` is not tested: nothing else serves, or it is rolled out by another plan",
                where="A/B test",
                fix="see pawl rollout status",
            )
        return _status(service, begun.ab_test_id)

    @router.get(f"{AB_TESTS}/{{id}}/status")
    def status(id: UUID, user_id: Caller) -> AbStatus:
        """State and counts of a test."""
        return _status(service, id)

    @router.post(f"{AB_TESTS}/{{id}}/stop")
    def stop(id: UUID, user_id: Caller) -> AbStatus:
        """Stop a test: it has no winner, and its counts stay as they are."""
        _require_operator(service, user_id)
        with service.ledger.reading() as tx:
            learner = get_test(tx, id).learner
        with acting(service.ledger, learner, service.now()) as at:
            stop_by_hand(tests.world_of(learner), id, By(who=f"user {user_id}", at=at))
        return _status(service, id)

    @router.get(f"{AB_TESTS}/{{id}}/report")
    def report(id: UUID, user_id: Caller) -> AbReport:
        """Both arms side by side, and what was decided."""
        with service.ledger.reading() as tx:
            stored = get_test(tx, id)
            arms, counts, rollout = _arms(tx, stored), ab_counts(tx, id), rollout_of(tx, stored)
        rules = tests.world_of(stored.learner).rules.ab_test
        state = (
            (None, "it belongs to no rollout")
            if rollout is None
            else (rollout.state.status.value, rollout.state.reason)
        )
        return report_of(status_of(stored, arms), counts, arms, (rules.min_resolved, rules.significance), state)

    return router


def _require_operator(service: Service, user_id: UUID) -> None:
    operators = service.settings.operators
    if operators is not None and user_id not in operators:
        raise ForbiddenError(
            "this user may not start or stop tests", where="token", fix="ask an operator (setting server.operators)"
        )


def _require_serving(service: Service, candidate: StoredVersion, named: str | None) -> None:
    with service.ledger.reading() as tx:
        serving = champion(tx, candidate.learner, candidate.role)
    if named not in (None, serving):
        raise RefusalError(
            f"`{serving or 'nothing'}` serves, not `{named}`",
            where="model_a_version",
            fix="name the version that serves, or none",
        )


def _status(service: Service, test_id: UUID) -> AbStatus:
    with service.ledger.reading() as tx:
        stored = get_test(tx, test_id)
        return status_of(stored, _arms(tx, stored))


def _arms(tx: sa.Connection, stored: StoredTest) -> tuple[ArmFigures, ArmFigures]:
    """Counted now while it runs; as they were at its end after that."""
    if stored.status == "running":
        return arm_figures(tx, stored.test_id)
    return stored.arms["model_a"], stored.arms["model_b"]
