"""Moves of the serving alias: forward by a passing verdict against today's champion, back to what served before it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from pawl.errors import InputError, RefusalError
from pawl.ids import ModelVersion
from pawl.ledger.evaluations import EvaluationReport, get_report, newest_report
from pawl.ledger.identity import identity
from pawl.ledger.model_versions import champion, get_version, require_files
from pawl.ledger.rollouts import running_rollout
from pawl.ledger.trigger_firings import is_paused
from pawl.ledger.version_tables import deployment_log, model_versions

__all__ = [
    "Deployment",
    "Move",
    "active_at",
    "list_deployments",
    "preceding",
    "promote",
    "roll_back",
    "rollback_target",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Who moves the alias, why, and when."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment(Move):
    """One row of the deployment log. number: 1 for the first move of the (learner, role)."""

    deployment_id: UUID
    learner: str
    role: str
    number: int
    what: str
    from_version: ModelVersion | None
    to_version: ModelVersion
    eval_id: UUID | None


def promote(tx: sa.Connection, version: ModelVersion, eval_id: UUID, move: Move) -> Deployment:
    """Let a version serve, by the verdict that allows it.

    RefusalError unless that verdict passed, is the newest on this very version, and was measured against the champion
    of today; for a version whose files were given up; while extreme conditions, or a person, pause deployments; and
    while the version is rolled out and has not reached its last stage.
    """
    stored = get_version(tx, version)
    require_files(stored.version, stored.files_removed_at)
    if is_paused(tx, stored.learner, move.at):
        raise RefusalError(
            f"deployments of `{stored.learner}` are paused",
            where="promotion",
            fix=f"wait until the pause lifts (pawl triggers ls), or lift it: pawl triggers resume {stored.learner}",
        )
    serving = champion(tx, stored.learner, stored.role)
    _require_permission(tx, stored.version, serving, get_report(tx, eval_id))
    rollout = running_rollout(tx, stored.learner)
    if rollout is not None and rollout.state.candidate == stored.version and rollout.share < 1.0:
        raise RefusalError(
            f"`{version}` is rolled out, and no stage is skipped", where="promotion", fix="see pawl rollout status"
        )
    return _move_alias(tx, _Alias(stored.learner, stored.role, serving), stored.version, move, eval_id)


def roll_back(tx: sa.Connection, learner: str, role: str, to: ModelVersion, move: Move) -> Deployment:
    """Let a version that served before serve again: the directly preceding one, or one further back.

    RefusalError for any other. A version that was rolled back itself comes back by a verdict alone.
    """
    serving, _ = rollback_target(tx, learner, role)
    if to not in (line := _line(tx, learner, role)[:-1]):
        raise RefusalError(
            f"`{to}` did not serve before `{serving}`",
            where=f"{learner} ({role})",
            fix=f"go back to one of {', '.join(dict.fromkeys(reversed(line)))}",
        )
    return _move_alias(tx, _Alias(learner, role, serving), to, move, None)


def rollback_target(tx: sa.Connection, learner: str, role: str = "policy") -> tuple[ModelVersion, ModelVersion]:
    """What serves, and what a rollback would let serve instead; RefusalError when there is nothing to go back to."""
    serving = champion(tx, learner, role)
    before = preceding(tx, learner, role)
    if before is None or serving is None:
        raise RefusalError(
            f"nothing served before `{serving}`" if serving else f"no version of `{learner}` serves",
            where=f"{learner} ({role})",
            fix="see the moves: pawl status",
        )
    return serving, before


def preceding(tx: sa.Connection, learner: str, role: str = "policy") -> ModelVersion | None:
    """The version that served directly before the champion began to; a version that was rolled back does not count."""
    line = _line(tx, learner, role)
    return line[-2] if len(line) > 1 else None


def active_at(tx: sa.Connection, learner: str, when: datetime, role: str = "policy") -> ModelVersion | None:
    """The version that decided at an instant; None before the first.

    A move at that very instant does not count: decisions at the close of a bar come before what it leads to.
    """
    c = deployment_log.c
    newest = (
        sa.select(c.to_version)
        .where(c.learner == learner, c.role == role, c.moved_at < when)
        .order_by(c.move_number.desc())
        .limit(1)
    )
    version = tx.execute(newest).scalar_one_or_none()
    return None if version is None else ModelVersion(version)


def list_deployments(tx: sa.Connection, learner: str, role: str = "policy") -> list[Deployment]:
    """Every move of the alias, oldest first."""
    c = deployment_log.c
    rows = tx.execute(sa.select(deployment_log).where(c.learner == learner, c.role == role).order_by(c.move_number))
    return [_deployment(row) for row in rows]


def _line(tx: sa.Connection, learner: str, role: str) -> list[ModelVersion]:
    """What served, oldest first and the champion last, without what was rolled back."""
    line: list[ModelVersion] = []
    for one in list_deployments(tx, learner, role):
        if one.what == "promote":
            line.append(one.to_version)
            continue
        line.pop()
        while line[-1] != one.to_version:  # further back than one step
            line.pop()
    return line


def _require_permission(
    tx: sa.Connection, version: ModelVersion, serving: ModelVersion | None, report: EvaluationReport
) -> None:
    newest = newest_report(tx, version)
    if report.version != version:
        problem = f"the verdict is on `{report.version}`, not on `{version}`"
    elif serving == version:
        problem = f"`{version}` serves already"
    elif not report.verdict.passed:
        problem = f"the gate refused `{version}`: {'; '.join(report.verdict.reasons)}"
    elif newest is None or newest.eval_id != report.eval_id:
        problem = f"`{version}` has been judged again since that verdict"
    elif report.baseline != serving:
        problem = f"`{version}` was measured against {_named(report.baseline)}, but {_named(serving)} serves now"
    else:
        return
    raise RefusalError(problem, where="promotion", fix=f"judge it again: pawl gate judge {version}")


def _named(version: ModelVersion | None) -> str:
    return "nothing" if version is None else f"`{version}`"


@dataclass(frozen=True, slots=True)
class _Alias:
    learner: str
    role: str
    serving: ModelVersion | None


def _move_alias(tx: sa.Connection, alias: _Alias, to: ModelVersion, move: Move, eval_id: UUID | None) -> Deployment:
    done = list_deployments(tx, alias.learner, alias.role)
    if done and move.at < done[-1].at:
        raise InputError(
            f"a move at {move.at} would come before the last one, at {done[-1].at}",
            where="deployment_log",
            fix="hand in the present time",
        )
    if alias.serving is not None:
        _set_status(tx, alias.serving, "retired", move)
    _set_status(tx, to, "champion", move)
    number = len(done) + 1
    row = Deployment(
        deployment_id=identity("deployment", alias.learner, alias.role, number),
        learner=alias.learner,
        role=alias.role,
        number=number,
        what="rollback" if eval_id is None else "promote",
        from_version=alias.serving,
        to_version=to,
        eval_id=eval_id,
        by=move.by,
        reason=move.reason,
        at=move.at,
    )
    tx.execute(
        sa.insert(deployment_log).values(
            deployment_id=row.deployment_id,
            learner=row.learner,
            role=row.role,
            move_number=row.number,
            what=row.what,
            from_version=row.from_version,
            to_version=row.to_version,
            eval_id=row.eval_id,
            reason=row.reason,
            moved_by=row.by,
            moved_at=row.at,
        )
    )
    return row


def _set_status(tx: sa.Connection, version: ModelVersion, status: str, move: Move) -> None:
    is_champion = status == "champion"
    values: dict[str, Any] = {
        "status": status,
        "is_active": is_champion,
        "updated_at": move.at,
        "deprecated_at": None if is_champion else move.at,
        "deprecated_reason": None if is_champion else move.reason,
    }
    if is_champion:
        values["deployed_at"] = move.at
    # Compare-and-set: on PostgreSQL another may have moved the alias since it was read.
    c = model_versions.c
    moved = sa.update(model_versions).where(c.version == version, c.is_active != is_champion).values(**values)
    if tx.execute(moved).rowcount != 1:
        raise RefusalError(f"the alias of `{version}` was moved meanwhile", where="model_versions", fix="try again")


def _deployment(row: sa.Row[Any]) -> Deployment:
    return Deployment(
        deployment_id=row.deployment_id,
        learner=row.learner,
        role=row.role,
        number=row.move_number,
        what=row.what,
        from_version=None if row.from_version is None else ModelVersion(row.from_version),
        to_version=ModelVersion(row.to_version),
        eval_id=row.eval_id,
        by=row.moved_by,
        reason=row.reason,
        at=row.moved_at,
    )
