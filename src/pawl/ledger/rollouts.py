"""Rollouts as they are stored: where a candidate stands, and an account of every step that brought it there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import RefusalError
from pawl.gates.rollout_state import Rollout, Status
from pawl.ids import ModelVersion
from pawl.ledger.identity import identity
from pawl.ledger.rollout_tables import rollout_moves, rollouts

__all__ = [
    "RolloutMove",
    "StoredRollout",
    "list_moves",
    "list_rollouts",
    "newest_rollout",
    "open_rollout",
    "record_move",
    "running_rollout",
    "save_rollout",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRollout:
    """A rollout as it stands. number: 1 for the first of its learner. share: of the traffic, that the candidate acts
    for. ab_test_id: of the test that is, or was, its stage.
    """

    rollout_id: UUID
    learner: str
    number: int
    state: Rollout
    share: float
    ab_test_id: UUID | None
    started_at: datetime
    updated_at: datetime

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.state.status is Status.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutMove:
    """One step. by: `pawl`, or who did it by hand. from_stage: None where it begins. evidence: what it rested on, as
    JSON. eval_id: of the verdict it recorded. deployment_id: of the move of the alias that was part of it.
    """

    at: datetime
    by: str
    from_stage: str | None
    to_stage: str
    status: Status
    reason: str
    evidence: Mapping[str, Any]
    eval_id: UUID | None = None
    deployment_id: UUID | None = None


def open_rollout(
    tx: sa.Connection, learner: str, state: Rollout, share: float, ab_test_id: UUID | None = None
) -> StoredRollout:
    """Write a rollout down as it begins; RefusalError while another of the learner runs."""
    running = running_rollout(tx, learner)
    if running is not None:
        raise RefusalError(
            f"the rollout of `{running.state.candidate}` still runs",
            where=f"rollouts of {learner}",
            fix=f"wait for its end, or end it: pawl rollout abort {running.state.candidate}",
        )
    c = rollouts.c
    newest = tx.execute(sa.select(sa.func.max(c.rollout_number)).where(c.learner == learner)).scalar_one()
    number = (newest or 0) + 1
    stored = StoredRollout(
        rollout_id=identity("rollout", learner, number),
        learner=learner,
        number=number,
        state=state,
        share=share,
        ab_test_id=ab_test_id,
        started_at=state.entered_at,
        updated_at=state.entered_at,
    )
    fixed = {
        "rollout_id": stored.rollout_id,
        "learner": learner,
        "rollout_number": number,
        "plan": state.plan,
        "candidate": state.candidate,
        "champion": state.champion,
        "started_at": stored.started_at,
    }
    tx.execute(sa.insert(rollouts).values(**fixed, **_moving(stored)))
    return stored


def save_rollout(tx: sa.Connection, before: StoredRollout, after: StoredRollout) -> None:
    """Write down where a running rollout stands now.

    RefusalError where it is no longer where `before` says: another process moved it, and its step stands.
    """
    c, state = rollouts.c, before.state
    still = sa.and_(
        c.rollout_id == before.rollout_id,
        c.status == state.status.value,
        c.stage == state.stage,
        c.entered_at == state.entered_at,
        c.updated_at == before.updated_at,
    )
    if tx.execute(sa.update(rollouts).where(still).values(**_moving(after))).rowcount != 1:
        raise RefusalError(
            f"the rollout of `{state.candidate}` was moved meanwhile", where="rollouts", fix="see pawl rollout status"
        )


def record_move(tx: sa.Connection, stored: StoredRollout, move: RolloutMove) -> None:
    """Append one step to the account of a rollout."""
    c = rollout_moves.c
    done = sa.select(sa.func.count()).where(c.rollout_id == stored.rollout_id)
    number = tx.execute(done).scalar_one() + 1
    tx.execute(
        sa.insert(rollout_moves).values(
            move_id=identity("rollout_move", stored.rollout_id, number),
            rollout_id=stored.rollout_id,
            move_number=number,
            learner=stored.learner,
            moved_at=move.at,
            moved_by=move.by,
            from_stage=move.from_stage,
            to_stage=move.to_stage,
            status=move.status.value,
            reason=move.reason,
            evidence=dict(move.evidence),
            eval_id=move.eval_id,
            deployment_id=move.deployment_id,
        )
    )


def running_rollout(tx: sa.Connection, learner: str) -> StoredRollout | None:
    """The rollout of a learner that has not ended; None where none runs."""
    c = rollouts.c
    row = tx.execute(sa.select(rollouts).where(c.learner == learner, c.status == Status.RUNNING.value)).one_or_none()
    return None if row is None else _stored(row)


def newest_rollout(tx: sa.Connection, learner: str) -> StoredRollout | None:
    """The rollout of a learner that began last; None where there never was one."""
    c = rollouts.c
    newest = sa.select(rollouts).where(c.learner == learner).order_by(c.rollout_number.desc()).limit(1)
    row = tx.execute(newest).one_or_none()
    return None if row is None else _stored(row)


def list_rollouts(tx: sa.Connection, candidate: str | None = None) -> list[StoredRollout]:
    """Every rollout, of one candidate or of all; by learner, oldest first."""
    c = rollouts.c
    chosen = sa.select(rollouts).order_by(c.learner, c.rollout_number)
    if candidate is not None:
        chosen = chosen.where(c.candidate == candidate)
    return [_stored(row) for row in tx.execute(chosen)]


def list_moves(tx: sa.Connection, rollout_id: UUID) -> list[RolloutMove]:
    """Every step of a rollout, oldest first."""
    c = rollout_moves.c
    rows = tx.execute(sa.select(rollout_moves).where(c.rollout_id == rollout_id).order_by(c.move_number))
    return [
        RolloutMove(
            at=row.moved_at,
            by=row.moved_by,
            from_stage=row.from_stage,
            to_stage=row.to_stage,
            status=Status(row.status),
            reason=row.reason,
            evidence=row.evidence,
            eval_id=row.eval_id,
            deployment_id=row.deployment_id,
        )
        for row in rows
    ]


def _moving(stored: StoredRollout) -> dict[str, Any]:
    state = stored.state
    return {
        "stage": state.stage,
        "share": stored.share,
        "entered_at": state.entered_at,
        "status": state.status.value,
        "reason": state.reason,
        "ab_test_id": stored.ab_test_id,
        "updated_at": stored.updated_at,
    }


def _stored(row: sa.Row[Any]) -> StoredRollout:
    state = Rollout(
        plan=row.plan,
        candidate=ModelVersion(row.candidate),
        champion=ModelVersion(row.champion),
        stage=row.stage,
        entered_at=row.entered_at,
        status=Status(row.status),
        reason=row.reason,
    )
    return StoredRollout(
        rollout_id=row.rollout_id,
        learner=row.learner,
        number=row.rollout_number,
        state=state,
        share=row.share,
        ab_test_id=row.ab_test_id,
        started_at=row.started_at,
        updated_at=row.updated_at,
    )
