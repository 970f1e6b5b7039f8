"""Only the deployment worker moves the alias, once for each passing report, and only against today's champion."""

import ast
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from inline_engine import Clock, Inline, paper_world
from ledger_world import day, judged, move, promoted, trained, verdict
from pawl.ids import ModelVersion
from pawl.jobs.deployment_worker import DEPLOYMENT_WORKER, Paused, deployment_role
from pawl.jobs.live.rollout_rules import RolloutRules, RolloutWorld
from pawl.jobs.live.rollouts import begin_rollout
from pawl.jobs.roles import ROLES
from pawl.jobs.worker_role import Role, World
from pawl.ledger.database import Ledger
from pawl.ledger.deployments import list_deployments, roll_back
from pawl.ledger.evaluations import NewEvaluation, get_report, record_evaluation
from pawl.ledger.live_log import LiveEntry, log_live
from pawl.ledger.model_versions import champion
from pawl.ledger.trigger_firings import NewFiring, end_pause, record_firing

TINY, DAY = ModelVersion("tiny-1.0"), timedelta(days=1)
SRC = Path(__file__).parents[2] / "src" / "pawl"
V0, V1, V2 = (ModelVersion(f"m002-1.{minor}") for minor in range(3))


def moves(ledger: Ledger) -> list[tuple[str | None, str, str]]:
    with ledger.reading() as tx:
        return [(one.from_version, one.to_version, one.by) for one in list_deployments(tx, "m002")]


def serve_first(ledger: Ledger, *candidates: ModelVersion) -> None:
    """V0 serves; the candidates are trained, and have passing reports against it."""
    with ledger.transaction() as tx:
        promoted(tx, V0, on=0)
        for version in candidates:
            trained(tx, version)
            judged(tx, version)


def queued_in(ledger: Ledger, home: Path) -> tuple[World, Role, Mapping[str, Any]]:
    """The worker in its world, and the one thing that its look at the ledger queued."""
    world = paper_world(ledger, home, Clock())
    role, engine = deployment_role(world), Inline(world)
    role.poll(engine, world.now())
    (queued,) = engine.waiting
    return world, role, queued


def test_pass_r35_a_version_with_a_passing_report_against_the_champion_is_promoted_once(
    ledger: Ledger, tmp_path: Path
) -> None:
    serve_first(ledger, V1)
    _, role, queued = queued_in(ledger, tmp_path)
    answers = [role.workflow.run(lambda name, act: act(), queued) for _ in range(2)]
    assert answers == [{"version": V1, "is_moved": True}] * 2
    assert moves(ledger) == [(None, V0, "test"), (V0, V1, DEPLOYMENT_WORKER)]


def test_rev_r42_a_passing_version_waits_while_deployments_are_paused(ledger: Ledger, tmp_path: Path) -> None:
    """REV-R42: the worker leaves it alone, and one that was queued before the pause is tried again, not dropped."""
    pause = NewFiring(learner="m002", kind="extreme_conditions", effect="pause", at=day(0), reason="wild")
    serve_first(ledger, V1)
    world, role, queued = queued_in(ledger, tmp_path)
    with ledger.transaction() as tx:
        record_firing(tx, pause)
    assert role.poll(Inline(world), world.now()) == 0
    with pytest.raises(Paused):
        role.workflow.run(lambda name, act: act(), queued)
    assert moves(ledger) == [(None, V0, "test")]
    with ledger.transaction() as tx:
        end_pause(tx, "m002", day(1), "pawl triggers", "seen")
    assert role.workflow.run(lambda name, act: act(), queued) == {"version": V1, "is_moved": True}


@pytest.mark.parametrize("by", ["rollout", "loop"])
def test_rev_r32_what_is_rolled_out_or_kept_is_left_to_its_rollout(ledger: Ledger, tmp_path: Path, by: str) -> None:
    """REV-R32: a passing update that a test holds back, and an arm of that test, have passing reports against what
    serves; the worker moves neither, nor one that it queued before the first rollout began. Another learner's goes on.
    """
    serve_first(ledger, V1)
    with ledger.transaction() as tx:
        trained(tx, V2)
    world, role, queued = queued_in(ledger, tmp_path)
    with ledger.transaction() as tx:
        judged(tx, V2)
    if by == "rollout":
        begin_rollout(RolloutWorld(ledger=ledger, learner="m002", horizon=DAY, rules=RolloutRules()), V2, day(3))
    else:
        entry = LiveEntry(learner="m002", at=day(3), kind="act", name="begin", payload={})
        with ledger.transaction() as tx:
            log_live(tx, [entry])
    with ledger.transaction() as tx:
        trained(tx, "tiny-1.0")
        first = NewEvaluation(version=TINY, baseline=None, verdict=verdict(is_first=True), figures={"gain_bps": 1.0})
        record_evaluation(tx, first, day(3))
    fresh = Inline(world)
    role.poll(fresh, world.now())
    with ledger.reading() as tx:
        assert [get_report(tx, UUID(one["eval_id"])).version for one in fresh.waiting] == [TINY]
    answer = role.workflow.run(lambda name, act: act(), queued)
    assert (answer["is_moved"], answer["why"]) == (False, "its rollout decides")
    assert moves(ledger) == [(None, V0, "test")]


def test_pass_r35_a_failed_or_missing_report_leaves_the_alias_untouched(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        promoted(tx, V0, on=0)
        for version in (V1, V2):
            trained(tx, version)
        judged(tx, V1, passes=False)
    world = paper_world(ledger, tmp_path, Clock())
    assert Inline(world).work(deployment_role(world)) == []
    assert moves(ledger) == [(None, V0, "test")]


def test_pass_r35_a_report_against_a_champion_of_yesterday_moves_nothing(ledger: Ledger, tmp_path: Path) -> None:
    """Neither when the worker looks after the change, nor when the change comes between its look and its move."""
    serve_first(ledger, V1, V2)
    world = paper_world(ledger, tmp_path, Clock())
    role = deployment_role(world)
    engine = Inline(world)
    answers = engine.work(role)  # both were measured against V0; the first is promoted, and so V0 serves no more
    assert [(one["version"], one["is_moved"]) for one in answers] == [(V1, True), (V2, False)]
    assert "was measured against `m002-1.0`, but `m002-1.1` serves now" in answers[1]["why"]
    assert Inline(world).work(role) == []
    with ledger.reading() as tx:
        assert champion(tx, "m002") == V1


def test_what_was_rolled_back_is_not_promoted_again(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        promoted(tx, V0, on=0)
        promoted(tx, V1, on=1)
        roll_back(tx, "m002", "policy", V0, move(2))
    world = paper_world(ledger, tmp_path, Clock())
    assert Inline(world).work(deployment_role(world)) == []
    with ledger.reading() as tx:
        assert champion(tx, "m002") == V0


def test_pass_r35_no_other_worker_can_move_the_alias() -> None:
    """What moves it forward is called by the deployment worker, by a person's command, and by replays on their own
    ledgers.
    """

    def uses(path: Path) -> bool:
        return any(
            isinstance(node, ast.ImportFrom)
            and node.module == "pawl.ledger.deployments"
            and {"promote", "roll_back"} & {alias.name for alias in node.names}
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )

    users = {path.relative_to(SRC).as_posix() for path in SRC.rglob("*.py") if uses(path)}
    assert "jobs/deployment_worker.py" in users
    workers = {make.__module__.rpartition(".")[2] for make in ROLES.values()}
    assert {path for path in users if Path(path).stem in workers} == {"jobs/deployment_worker.py"}
    # A rollout moves it in the transaction of its step; it is no worker, and asks the same `promote`.
    rollouts = {"jobs/live/rollouts.py", "jobs/live/rollout_orders.py"}
    # So do the calendar of a live loop, its first version, and a recorded act of an operator that is played again.
    names = ("bootstrapping", "daily_update", "full_training", "monthly_selection", "operator_acts")
    loop = {f"jobs/live/{name}.py" for name in names}
    replays = {"jobs/replay.py", "jobs/cadence_replay.py"}
    assert users == {"jobs/deployment_worker.py", "jobs/rollback.py", "cli/alias.py"} | replays | rollouts | loop


def test_a_move_is_dated_by_the_clock_of_the_worker(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        trained(tx, V0)
        judged(tx, V0)
    world = paper_world(ledger, tmp_path, Clock(day(5)))
    Inline(world).work(deployment_role(world))
    with ledger.reading() as tx:
        assert [one.at for one in list_deployments(tx, "m002")] == [day(5)]
