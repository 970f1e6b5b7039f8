"""Rollouts, driven from the ledger: a candidate begins, every tick takes its next step, and a person may ask for one.

Evidence is read beside any writer; the step that follows from it is written only where the rollout still stands as it
was read, in one transaction with all that belongs to it. A tick that is repeated for the same instant changes nothing.
"""

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from pawl.errors import NotFoundError, RefusalError
from pawl.gates.rollout import abort, advance, start, tick
from pawl.gates.rollout_plan import StageKind
from pawl.gates.rollout_state import Evidence, SetShare, Status, Step
from pawl.ids import ModelVersion
from pawl.jobs.live.act_record import record_act
from pawl.jobs.live.announcing import announce_move
from pawl.jobs.live.performance import track_performance
from pawl.jobs.live.rollout_orders import By, apply_begin, apply_step
from pawl.jobs.live.rollout_rules import RolloutWorld
from pawl.jobs.live.stage_evidence import Gathered, gather
from pawl.ledger.deployments import Move, promote
from pawl.ledger.evaluations import EvaluationReport, newest_report
from pawl.ledger.model_versions import champion, get_version
from pawl.ledger.rollouts import StoredRollout, list_rollouts, newest_rollout, running_rollout

__all__ = ["PAWL", "abort_by_hand", "advance_by_hand", "begin_rollout", "settle", "tick_rollouts"]

PAWL = "pawl"
"""Who takes the steps that nobody asks for."""


def begin_rollout(
    world: RolloutWorld, candidate: ModelVersion, at: datetime, by: By | None = None
) -> StoredRollout | None:
    """Let a candidate into the first stage of its learner's plan; None where it serves at once, as the first version.

    An A/B test of the learner that still runs is closed first: decided where its end has come, else stopped. So is the
    watch over a version that serves already. RefusalError while any other candidate is rolled out, under extreme
    conditions, and without a passing verdict against what serves now. A candidate whose rollout runs, or that is asked
    for again at the same instant, keeps the one it has.
    """
    by = by or By(who=PAWL, at=at)
    with world.ledger.reading() as tx:
        begun = [one for one in list_rollouts(tx, candidate) if one.is_running or one.started_at == at]
        if begun:
            return begun[0]
        if champion(tx, world.learner) == candidate:
            return None
    tick_rollouts(world, at)
    return _begin(world, candidate, _judged(world, candidate, at), by)


def _begin(world: RolloutWorld, candidate: ModelVersion, report: EvaluationReport, by: By) -> StoredRollout | None:
    at = by.at
    with world.ledger.transaction() as tx:
        serving = champion(tx, world.learner, get_version(tx, candidate).role)
        if serving is None and report.verdict.is_first:
            move = Move(by=by.who, reason="; ".join(report.verdict.reasons), at=at)
            announce_move(tx, promote(tx, candidate, report.eval_id, move))
            _note_start(tx, world, candidate, by)
            return None
        evidence = Evidence(
            serving=serving, verdict=report.verdict, is_paused=world.rules.is_paused(tx, world.learner, at)
        )
        step = start(world.plan, candidate, report.baseline or candidate, evidence, at)
        _make_room(tx, world, candidate, by)
        _note_start(tx, world, candidate, by)
        return apply_begin(tx, world, step, by)


def _note_start(tx: sa.Connection, world: RolloutWorld, candidate: ModelVersion, by: By) -> None:
    """Write down that a person began it; what the loop does by itself follows from its inputs."""
    if by.who == PAWL:
        return
    told = {"version": candidate, "by": by.who, "split": by.split, "test_name": by.test_name, "plan": world.plan_name}
    record_act(tx, world.learner, "rollout start", by.at, told)


def tick_rollouts(world: RolloutWorld, at: datetime) -> StoredRollout | None:
    """Give the running rollout of the learner its next step, and bring the figures of its versions up to date.

    A candidate whose champion has changed is judged again offline, and begins again where it passes. Gives the rollout
    as it stands after this; None where none runs and none has to begin again.
    """
    with world.ledger.transaction() as tx:
        track_performance(tx, world.learner, at)
    with world.ledger.reading() as tx:
        stored = running_rollout(tx, world.learner)
        gathered = None if stored is None else gather(tx, world, stored, at)
    if stored is None or gathered is None:
        return _begin_again(world, at)
    step = _next(world, stored, gathered, at)
    with world.ledger.transaction() as tx:
        after = apply_step(tx, world, stored, step, gathered, By(who=PAWL, at=at))
    return _begin_again(world, at) or after if after.state.status is Status.SUPERSEDED else after


def settle(tx: sa.Connection, world: RolloutWorld, by: By) -> StoredRollout | None:
    """Give the running rollout its next step inside a transaction that has just moved the alias by hand."""
    stored = running_rollout(tx, world.learner)
    if stored is None:
        return None
    gathered = gather(tx, world, stored, by.at)
    return apply_step(tx, world, stored, _next(world, stored, gathered, by.at), gathered, by)


def advance_by_hand(world: RolloutWorld, candidate: ModelVersion, by: By) -> StoredRollout:
    """The step a tick would take, asked for by a person; RefusalError, with what is missing, where nothing moves."""
    stored, gathered = _asked(world, candidate, by)
    rules, state = world.rules, stored.state
    step = advance(state, rules.plan(state.plan), rules.rails, gathered.evidence, by.at)
    with world.ledger.transaction() as tx:
        record_act(tx, world.learner, "rollout advance", by.at, {"version": candidate, "by": by.who})
        return apply_step(tx, world, stored, step, gathered, by)


def abort_by_hand(world: RolloutWorld, candidate: ModelVersion, reason: str, by: By) -> StoredRollout:
    """Take a candidate out, by a person who says why; the champion keeps, or gets back, the traffic."""
    stored, gathered = _asked(world, candidate, by)
    step = abort(stored.state, gathered.evidence.serving, by.who, reason)
    with world.ledger.transaction() as tx:
        told = {"version": candidate, "by": by.who, "reason": reason}
        record_act(tx, world.learner, "rollout abort", by.at, told)
        return apply_step(tx, world, stored, step, gathered, by)


def _next(world: RolloutWorld, stored: StoredRollout, gathered: Gathered, at: datetime) -> Step:
    state = stored.state
    return tick(state, world.rules.plan(state.plan), world.rules.rails, gathered.evidence, at)


def _asked(world: RolloutWorld, candidate: ModelVersion, by: By) -> tuple[StoredRollout, Gathered]:
    with world.ledger.reading() as tx:
        stored = running_rollout(tx, world.learner)
        if stored is None or stored.state.candidate != candidate:
            raise NotFoundError(
                f"no rollout of `{candidate}` runs", where="rollout", fix="see what runs: pawl rollout status"
            )
        return stored, gather(tx, world, stored, by.at)


def _judged(world: RolloutWorld, candidate: ModelVersion, at: datetime) -> EvaluationReport:
    """The newest verdict on a candidate; given anew where the champion has changed since, and somebody can."""
    report, serving = _report(world, candidate)
    judge_again = world.rules.judge_again
    if report is not None and report.baseline != serving and report.verdict.passed and judge_again is not None:
        judge_again(candidate, at)
        report, _ = _report(world, candidate)
    if report is None:
        raise RefusalError(
            f"`{candidate}` was never judged", where="rollout", fix=f"judge it: pawl gate judge {candidate}"
        )
    return report


def _report(world: RolloutWorld, candidate: ModelVersion) -> tuple[EvaluationReport | None, ModelVersion | None]:
    with world.ledger.reading() as tx:
        role = get_version(tx, candidate).role
        return newest_report(tx, candidate), champion(tx, world.learner, role)


def _make_room(tx: sa.Connection, world: RolloutWorld, candidate: ModelVersion, by: By) -> None:
    """End what a new candidate may end: an A/B test, for another one; and the watch over what serves already."""
    running = running_rollout(tx, world.learner)
    if running is None:
        return
    state = running.state
    kind = world.rules.plan(state.plan).stages[state.stage].kind
    gathered = gather(tx, world, running, by.at)
    if kind is StageKind.FULL:
        ended = replace(state, status=Status.PROMOTED, reason=f"serves; {candidate} is rolled out next")
        apply_step(tx, world, running, Step(ended), gathered, by)
    elif kind is StageKind.AB_TEST and world.plan.stages[0].kind is StageKind.AB_TEST:
        ended = replace(state, status=Status.ABORTED, reason=f"{candidate} takes its place")
        apply_step(tx, world, running, Step(ended, (SetShare(state.candidate, 0.0),)), gathered, by)


def _begin_again(world: RolloutWorld, at: datetime) -> StoredRollout | None:
    with world.ledger.reading() as tx:
        last = newest_rollout(tx, world.learner)
        if last is None or last.state.status is not Status.SUPERSEDED:
            return None
        candidate = last.state.candidate
        serving = champion(tx, world.learner, get_version(tx, candidate).role)
        if serving in (None, candidate) or world.rules.is_paused(tx, world.learner, at):
            return None
    report, _ = _report(world, candidate)
    if (report is None or report.baseline != serving) and world.rules.judge_again is not None:
        world.rules.judge_again(candidate, at)
        report, _ = _report(world, candidate)
    if report is None or report.baseline != serving or not report.verdict.passed:
        return None
    return _begin(world, candidate, report, By(who=PAWL, at=at))
