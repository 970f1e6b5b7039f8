"""The rollout machine: from one stage to the next, never past one, and back at once.

Guard-rails are asked first, whatever else holds; then whether the champion is still the one it is compared with; then
whether the stage may be left. Anything that was not measured keeps a candidate where it is until its limit.
"""

from dataclasses import replace
from datetime import datetime

from pawl.errors import RefusalError
from pawl.gates.ab_test import Winner
from pawl.gates.guard_rails import GuardRail, breaches, open_rails
from pawl.gates.rollout_plan import Exit, RolloutPlan, Stage, StageKind
from pawl.gates.rollout_state import (
    Evidence,
    MoveAlias,
    Order,
    Restore,
    Rollout,
    SetShare,
    StartAgain,
    Status,
    Step,
)
from pawl.ids import ModelVersion

__all__ = ["abort", "advance", "start", "tick"]

PAUSED = "extreme conditions hold every deployment"


def start(
    plan: RolloutPlan, candidate: ModelVersion, champion: ModelVersion, evidence: Evidence, now: datetime
) -> Step:
    """Enter the first stage. champion: the version the candidate was judged against; evidence.verdict: what was said.

    RefusalError unless the offline gate passed it against the version that serves now, and nothing is paused.
    """
    if evidence.serving != champion or candidate == champion:
        reason = f"{candidate} was judged against {champion}, and {evidence.serving or 'nothing'} serves"
        raise _refusal(reason, "judge it again: pawl gate judge")
    verdict = evidence.verdict
    if verdict is None or not verdict.passed or verdict.is_first:
        reason = "it was not judged" if verdict is None else "; ".join(verdict.reasons)
        raise _refusal(
            f"{candidate} has no passing verdict against {champion}: {reason}", f"judge it: pawl gate judge {candidate}"
        )
    if evidence.is_paused:
        raise _refusal(PAUSED, "start it again when the market has calmed")
    rollout = Rollout(
        plan=plan.name,
        candidate=candidate,
        champion=champion,
        stage=0,
        entered_at=now,
        status=Status.RUNNING,
        reason="the offline gate passed",
    )
    return Step(rollout, _orders_on_entry(plan.stages[0], candidate))


def tick(rollout: Rollout, plan: RolloutPlan, rails: tuple[GuardRail, ...], evidence: Evidence, now: datetime) -> Step:
    """What the evidence makes of a rollout now. An ended one stays as it is, whatever comes."""
    if rollout.status is not Status.RUNNING:
        return Step(rollout)
    stage = plan.stages[rollout.stage]
    broken = breaches(rails, evidence.rails)
    if broken:
        return _back(rollout, Status.ROLLED_BACK, "; ".join(broken), evidence.serving)
    if not _is_ours(rollout, stage, evidence):
        return _without_champion(rollout, stage, evidence)
    if stage.limit is not None and now - rollout.entered_at > stage.limit:
        status = Status.REFUSED if stage.kind is StageKind.SHADOW else Status.ROLLED_BACK
        return _back(
            rollout, status, f"{stage.name} ended after {stage.limit.days} days: {rollout.reason}", evidence.serving
        )
    missing = _missing(rollout, stage, rails, evidence, now)
    if missing:
        return Step(replace(rollout, reason=missing))
    return _leave(rollout, plan, evidence, now)


def advance(
    rollout: Rollout, plan: RolloutPlan, rails: tuple[GuardRail, ...], evidence: Evidence, now: datetime
) -> Step:
    """What an operator may do by hand: the same step as a tick, no stage skipped; RefusalError where nothing moves."""
    step = tick(rollout, plan, rails, evidence, now)
    if not step.orders and step.rollout.status is rollout.status:
        raise _refusal(f"{rollout.candidate} stays: {step.rollout.reason}", "see pawl rollout status")
    return step


def abort(rollout: Rollout, serving: ModelVersion | None, by: str, reason: str) -> Step:
    """Take a running candidate out by hand; the champion keeps, or gets back, the traffic. RefusalError once ended."""
    if rollout.status is not Status.RUNNING:
        raise _refusal(f"the rollout of {rollout.candidate} has ended: {rollout.status}", "see pawl rollout status")
    return _back(rollout, Status.ABORTED, f"aborted by {by}: {reason}", serving)


def _is_ours(rollout: Rollout, stage: Stage, evidence: Evidence) -> bool:
    """Whether the version that serves is the one this stage counts on."""
    expected = rollout.candidate if stage.kind is StageKind.FULL else rollout.champion
    return evidence.serving == expected


def _without_champion(rollout: Rollout, stage: Stage, evidence: Evidence) -> Step:
    serving = evidence.serving
    if stage.kind is StageKind.FULL or serving is None or serving == rollout.candidate:
        # Somebody moved the alias by hand, past this rollout: it has nothing left to decide.
        reason = f"{serving or 'nothing'} serves, by another act than this rollout"
        return Step(replace(rollout, status=Status.ABORTED, reason=reason), _out_of_trading(rollout, stage))
    reason = f"{serving} replaced {rollout.champion}"
    again = StartAgain(rollout.candidate, serving)
    return Step(replace(rollout, status=Status.SUPERSEDED, reason=reason), (*_out_of_trading(rollout, stage), again))


def _out_of_trading(rollout: Rollout, stage: Stage) -> tuple[Order, ...]:
    return () if stage.kind is StageKind.FULL else (SetShare(rollout.candidate, 0.0),)


def _back(rollout: Rollout, status: Status, reason: str, serving: ModelVersion | None) -> Step:
    """Out of trading at once. A third version that serves meanwhile is not this rollout's to replace."""
    back: tuple[Order, ...] = (SetShare(rollout.candidate, 0.0),)
    if serving in (rollout.champion, rollout.candidate):
        back = (*back, Restore(rollout.champion))
    return Step(replace(rollout, status=status, reason=reason), back)


def _missing(rollout: Rollout, stage: Stage, rails: tuple[GuardRail, ...], evidence: Evidence, now: datetime) -> str:
    """Why the stage may not be judged yet; empty when it may."""
    stayed = now - rollout.entered_at
    missing = []
    if evidence.is_paused:
        missing.append(PAUSED)
    if stayed < stage.min_time:
        missing.append(f"{stayed.days} of at least {stage.min_time.days} days")
    if evidence.n_decisions < stage.min_decisions:
        missing.append(f"{evidence.n_decisions} of at least {stage.min_decisions} resolved decisions")
    if stage.kind is not StageKind.AB_TEST:  # too little data makes a test a tie; it does not hold it open
        missing += open_rails(rails, evidence.rails)
    return "; ".join(missing)


def _leave(rollout: Rollout, plan: RolloutPlan, evidence: Evidence, now: datetime) -> Step:
    stage = plan.stages[rollout.stage]
    if stage.exit is Exit.UNHARMED:
        return Step(replace(rollout, status=Status.PROMOTED, reason="served its time unharmed"))
    if stage.exit is Exit.AB_WINNER:
        return _leave_test(rollout, plan, evidence, now)
    if stage.exit is Exit.SUPERIOR and (evidence.look is None or not evidence.look.is_better):
        return Step(replace(rollout, reason="not proved better"))
    if evidence.verdict is None:
        return Step(replace(rollout, reason="the conditions of this stage were not judged"))
    reason = "; ".join(evidence.verdict.reasons)
    if evidence.verdict.passed and not evidence.verdict.is_first:
        return _on(rollout, plan, reason, now)
    if stage.exit is Exit.NOT_WORSE:
        return _back(rollout, Status.ROLLED_BACK, reason, evidence.serving)
    return Step(replace(rollout, reason=reason))


def _leave_test(rollout: Rollout, plan: RolloutPlan, evidence: Evidence, now: datetime) -> Step:
    if evidence.ab is None:
        return Step(replace(rollout, reason="the test was not decided"))
    if evidence.ab.winner is Winner.MODEL_B:
        return _on(rollout, plan, evidence.ab.reason, now)
    return _back(rollout, Status.REFUSED, evidence.ab.reason, evidence.serving)


def _on(rollout: Rollout, plan: RolloutPlan, reason: str, now: datetime) -> Step:
    entered = replace(rollout, stage=rollout.stage + 1, entered_at=now, reason=reason)
    return Step(entered, _orders_on_entry(plan.stages[entered.stage], rollout.candidate))


def _orders_on_entry(stage: Stage, candidate: ModelVersion) -> tuple[Order, ...]:
    return (MoveAlias(candidate),) if stage.kind is StageKind.FULL else (SetShare(candidate, stage.share),)


def _refusal(what: str, fix: str) -> RefusalError:
    return RefusalError(what, where="rollout", fix=fix)
