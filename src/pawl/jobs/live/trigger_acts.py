"""What a person does about triggers: pause, resume, ask for a training. Each act is written down, and told."""

from datetime import datetime

import sqlalchemy as sa

from pawl.errors import RefusalError
from pawl.jobs.live.act_record import record_act
from pawl.ledger.loop_outbox import announce
from pawl.ledger.loop_payloads import Alert
from pawl.ledger.trigger_firings import BY_HAND, NewFiring, StoredFiring, end_pause, open_firings, record_firing

__all__ = ["ask_for_training", "pause_by_hand", "resume_by_hand"]


def pause_by_hand(tx: sa.Connection, learner: str, reason: str, by: str, at: datetime) -> NewFiring:
    """Hold incremental trainings and deployments until a person resumes; RefusalError where one has done so before."""
    standing = open_firings(tx, learner).get(BY_HAND)
    if standing is not None:
        raise RefusalError(
            f"`{learner}` is paused by hand since {standing.at:%Y-%m-%d %H:%M} UTC: {standing.reason}",
            where="trigger_firings",
            fix=f"lift it: pawl triggers resume {learner}",
        )
    new = NewFiring(learner=learner, kind=BY_HAND, effect="pause", at=at, reason=reason, by=by, key="pause")
    _require_new(tx, new)
    text = f"{learner}: trainings and deployments are paused by hand: {reason}"
    announce(tx, Alert(kind="pause", learner=learner, about=new.firing_id, text=text), at)
    record_act(tx, learner, "pause", at, {"reason": reason, "by": by})
    return new


def resume_by_hand(tx: sa.Connection, learner: str, reason: str, by: str, at: datetime) -> list[StoredFiring]:
    """End every pause, whatever began it; RefusalError where nothing pauses. Conditions that stay extreme do not pause
    again for a day.
    """
    ended = end_pause(tx, learner, at, by, reason)
    if not ended:
        raise RefusalError(f"nothing pauses `{learner}`", where="trigger_firings", fix="see pawl triggers ls")
    for one in ended:
        text = f"{learner}: resumed by hand: {reason}"
        announce(tx, Alert(kind="pause", learner=learner, about=one.firing_id, is_over=True, text=text), at)
    record_act(tx, learner, "resume", at, {"reason": reason, "by": by})
    return ended


def ask_for_training(tx: sa.Connection, learner: str, reason: str, by: str, at: datetime) -> NewFiring:
    """Let the loop hold a full training at its next look, although a pause may last."""
    new = NewFiring(learner=learner, kind=BY_HAND, effect="retrain", at=at, reason=reason, by=by, key="retrain")
    _require_new(tx, new)
    record_act(tx, learner, "retrain", at, {"reason": reason, "by": by})
    return new


def _require_new(tx: sa.Connection, new: NewFiring) -> None:
    if not record_firing(tx, new):
        raise RefusalError(
            f"this was asked for at {new.at:%Y-%m-%d %H:%M} UTC already, and the loop has not moved on since",
            where="trigger_firings",
            fix="let the loop run, or see pawl triggers ls",
        )
