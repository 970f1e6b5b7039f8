"""A step of a rollout, written down whole: state, verdict, test, alias, account and announcement in one transaction."""

from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from uuid import UUID

import sqlalchemy as sa

from pawl.gates.ab_test import AbTest
from pawl.gates.figure import Figure
from pawl.gates.guard_rails import breaches
from pawl.gates.rollout_plan import Exit, Stage, StageKind
from pawl.gates.rollout_state import MoveAlias, Restore, SetShare, Status, Step
from pawl.gates.stage_gate import ab_verdict, breach_verdict, proven_verdict, refusal_verdict
from pawl.gates.verdict import Verdict
from pawl.ids import ModelVersion
from pawl.jobs.live.announcing import announce_move
from pawl.jobs.live.performance import arm_figures
from pawl.jobs.live.rollout_rules import RolloutWorld
from pawl.jobs.live.stage_evidence import Gathered, evidence_json
from pawl.ledger.ab_tests import complete_test, new_test_id, start_test, stop_test, track_arms
from pawl.ledger.deployments import Deployment, Move, promote, roll_back
from pawl.ledger.evaluations import NewEvaluation, newest_report, record_evaluation
from pawl.ledger.identity import identity
from pawl.ledger.loop_outbox import announce
from pawl.ledger.loop_payloads import MOST_TEXT, Alert
from pawl.ledger.model_versions import champion, get_version, set_stage_status
from pawl.ledger.rollouts import RolloutMove, StoredRollout, open_rollout, record_move, save_rollout

__all__ = ["By", "apply_begin", "apply_step"]

STATUS_OF_VERSION = {
    Status.REFUSED: "refused",
    Status.ROLLED_BACK: "refused",
    Status.ABORTED: "refused",
    Status.SUPERSEDED: "challenger",  # to be judged again
}


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who takes a step, and when. split: share of A in a test that begins; None for that of the plan. name: of it."""

    who: str
    at: datetime
    split: float | None = None
    test_name: str | None = None


def apply_begin(tx: sa.Connection, world: RolloutWorld, step: Step, by: By) -> StoredRollout:
    """Write down the beginning of a rollout. The verdict that lets it begin is the newest on its candidate."""
    state = step.rollout
    stage = world.rules.plan(state.plan).stages[0]
    report = newest_report(tx, state.candidate)
    eval_id = None if report is None else report.eval_id
    test_id = _begin_test(tx, world, stage, state.candidate, state.champion, by)
    stored = open_rollout(tx, world.learner, state, _share_after(step, 0.0, by), test_id)
    set_stage_status(tx, state.candidate, _status_of_version(stored), by.at)
    moved = _move_alias(tx, world, step, eval_id, by)
    record_move(tx, stored, _move(stored, (None, stage.name), by, {}, eval_id, moved))
    return stored


def apply_step(
    tx: sa.Connection, world: RolloutWorld, before: StoredRollout, step: Step, gathered: Gathered, by: By
) -> StoredRollout:
    """Write down what a step makes of a running rollout. A step without orders changes its reason alone.

    RefusalError, and nothing written, where another process has moved the rollout or the alias since the evidence was
    gathered.
    """
    state = step.rollout
    if not step.orders and state.status is before.state.status:
        if state.reason != before.state.reason:
            save_rollout(tx, before, replace(before, state=state, updated_at=by.at))
        return replace(before, state=state)
    plan = world.rules.plan(state.plan)
    old, new = plan.stages[before.state.stage], plan.stages[state.stage]
    verdict = _verdict(world, before, step, gathered, old)
    eval_id = None if verdict is None else _record(tx, before, verdict, gathered, by)
    test_id = before.ab_test_id
    if state.stage != before.state.stage or state.status is not Status.RUNNING:
        _end_test(tx, before, old, state.status, gathered, by)
    if state.stage != before.state.stage:
        test_id = _begin_test(tx, world, new, state.candidate, state.champion, by) or test_id
    after = replace(
        before, state=state, share=_share_after(step, before.share, by), ab_test_id=test_id, updated_at=by.at
    )
    save_rollout(tx, before, after)
    moved = _move_alias(tx, world, step, eval_id, by)
    set_stage_status(tx, state.candidate, _status_of_version(after), by.at)
    evidence = evidence_json(gathered, verdict)
    record_move(tx, after, _move(after, (old.name, new.name), by, evidence, eval_id, moved))
    _tell_breach(tx, world, after, gathered, by)
    if moved is None:
        _tell_out(tx, world, after, gathered, by)
    return after


def _tell_breach(tx: sa.Connection, world: RolloutWorld, after: StoredRollout, gathered: Gathered, by: By) -> None:
    """Tell that a candidate was taken out because it did what no candidate may."""
    state = after.state
    rails, measured = world.rules.rails, gathered.rails
    if state.status is not Status.ROLLED_BACK or not (why := breaches(rails, measured)):
        return
    passed = {
        rail.metric: measured[rail.metric] for rail in rails if rail.breach(measured.get(rail.metric)) is not None
    }
    figures = {name: one.value for name, one in passed.items() if isinstance(one, Figure) and isfinite(one.value)}
    alert = Alert(
        kind="performance_drop",
        learner=after.learner,
        about=identity("alarm", after.learner, "guard-rail", str(after.rollout_id)),
        text=f"{after.learner}: {state.candidate} was taken out: {'; '.join(why)}"[:MOST_TEXT],
        values={"candidate": state.candidate, **figures},
    )
    announce(tx, alert, by.at)


def _tell_out(tx: sa.Connection, world: RolloutWorld, after: StoredRollout, gathered: Gathered, by: By) -> None:
    """Tell that a candidate was taken out by hand, by another act or from a canary, where no move of the alias does.

    One that its gate or test refuses ends as candidates end; of a breach is told already.
    """
    state = after.state
    is_breach = state.status is Status.ROLLED_BACK and bool(breaches(world.rules.rails, gathered.rails))
    if is_breach or state.status not in (Status.ROLLED_BACK, Status.ABORTED):
        return
    serving = gathered.evidence.serving or "nothing"
    alert = Alert(
        kind="candidate_out",
        learner=after.learner,
        about=identity("alarm", after.learner, "candidate out", str(after.rollout_id)),
        text=f"{after.learner}: {state.candidate} was taken out, {serving} serves: {state.reason}"[:MOST_TEXT],
        values={"candidate": state.candidate, "by": by.who},
    )
    announce(tx, alert, by.at)


def _share_after(step: Step, before: float, by: By) -> float:
    state = step.rollout
    if state.status not in (Status.RUNNING, Status.PROMOTED):
        return 0.0
    for order in step.orders:
        if isinstance(order, SetShare):
            return order.share if by.split is None or order.share == 0.0 else 1.0 - by.split
        if isinstance(order, MoveAlias):
            return 1.0
    return before


def _status_of_version(stored: StoredRollout) -> str:
    ended = STATUS_OF_VERSION.get(stored.state.status)
    return ended or ("shadow" if stored.share == 0.0 else "canary")


def _verdict(
    world: RolloutWorld, before: StoredRollout, step: Step, gathered: Gathered, stage: Stage
) -> Verdict | None:
    """What is recorded of the stage that is left: of one that is left backwards always a verdict that fails, so that
    nothing but a new verdict brings the candidate back.
    """
    state, found = step.rollout, gathered.evidence
    judged = found.verdict
    if stage.exit is Exit.SUPERIOR and judged is not None:
        judged = proven_verdict(judged, gathered.look, world.rules.sequence)
    if stage.exit is Exit.AB_WINNER and found.ab is not None and gathered.arms is not None:
        judged = ab_verdict(found.ab, min(one.n_resolved for one in gathered.arms), world.rules.ab_test)
    if state.stage > before.state.stage:
        return judged
    if state.status in (Status.PROMOTED, Status.SUPERSEDED):
        return None
    if state.status is Status.ROLLED_BACK and breaches(world.rules.rails, gathered.rails):
        return breach_verdict(stage.name, world.rules.rails, gathered.rails)
    if judged is not None and not judged.passed:
        return judged
    return refusal_verdict(stage.name, state.reason, judged)


def _record(tx: sa.Connection, before: StoredRollout, verdict: Verdict, gathered: Gathered, by: By) -> UUID:
    figures = {
        "share": before.share,
        "decisions": float(gathered.evidence.n_decisions),
        "paired_blocks": float(gathered.look.n_blocks),
        "paired_mean_bps": gathered.look.mean_bps,
        "paired_low_bps": gathered.look.low_bps,
    }
    new = NewEvaluation(
        version=before.state.candidate,
        baseline=before.state.champion,
        verdict=verdict,
        figures=figures,
        scope="shadow" if before.share == 0.0 else "canary",
    )
    return record_evaluation(tx, new, by.at).eval_id


def _begin_test(
    tx: sa.Connection, world: RolloutWorld, stage: Stage, candidate: ModelVersion, serving: ModelVersion, by: By
) -> UUID | None:
    if stage.kind is not StageKind.AB_TEST:
        return None
    test = AbTest(
        test_id=str(new_test_id(world.learner, candidate, by.at)),
        model_a=serving,
        model_b=candidate,
        traffic_split=1.0 - stage.share if by.split is None else by.split,
        started_at=by.at,
        ends_at=by.at + stage.min_time,
    )
    return start_test(tx, world.learner, test, by.test_name or f"{serving} against {candidate}")


def _end_test(
    tx: sa.Connection, before: StoredRollout, stage: Stage, status: Status, gathered: Gathered, by: By
) -> None:
    """Decide the test that was the stage, where its end has come; stop it otherwise, and where it is taken away."""
    if stage.kind is not StageKind.AB_TEST or before.ab_test_id is None:
        return
    track_arms(tx, before.ab_test_id, *arm_figures(tx, before.ab_test_id), by.at)
    if gathered.evidence.ab is not None and status not in (Status.ABORTED, Status.SUPERSEDED):
        complete_test(tx, before.ab_test_id, gathered.evidence.ab, by.at)
    else:
        stop_test(tx, before.ab_test_id, by.at)


def _move_alias(tx: sa.Connection, world: RolloutWorld, step: Step, eval_id: UUID | None, by: By) -> Deployment | None:
    move = Move(by=by.who, reason=step.rollout.reason, at=by.at)
    moved = None
    for order in step.orders:
        if isinstance(order, MoveAlias) and eval_id is not None:
            moved = promote(tx, order.to, eval_id, move)
        elif isinstance(order, Restore):
            role = get_version(tx, order.to).role
            if champion(tx, world.learner, role) != order.to:
                moved = roll_back(tx, world.learner, role, order.to, move)
    if moved is not None:
        announce_move(tx, moved)
    return moved


def _move(
    stored: StoredRollout,
    stages: tuple[str | None, str],
    by: By,
    evidence: dict[str, object],
    eval_id: UUID | None,
    moved: Deployment | None,
) -> RolloutMove:
    return RolloutMove(
        at=by.at,
        by=by.who,
        from_stage=stages[0],
        to_stage=stages[1],
        status=stored.state.status,
        reason=stored.state.reason,
        evidence=evidence,
        eval_id=eval_id,
        deployment_id=None if moved is None else moved.deployment_id,
    )
