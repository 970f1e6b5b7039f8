"""Versions that are given up: retired because they are poor, or without their files because they are old."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from pawl.errors import RefusalError
from pawl.ids import ModelVersion
from pawl.ledger.ab_tables import ab_tests
from pawl.ledger.column_types import UtcTime
from pawl.ledger.deployments import list_deployments, preceding
from pawl.ledger.model_versions import StoredVersion, champion, list_versions
from pawl.ledger.version_tables import model_versions

__all__ = ["ever_served", "give_up_files", "in_use", "removed_versions", "retire"]

UNDER_TEST = ("shadow", "canary")


def ever_served(tx: sa.Connection, learner: str, role: str) -> set[ModelVersion]:
    """Every version that was champion once."""
    return {one.to_version for one in list_deployments(tx, learner, role)}


def in_use(tx: sa.Connection, learner: str, role: str) -> dict[ModelVersion, str]:
    """Versions that something may ask for at any moment, each with what asks for it: the champion, what a rollback
    would let serve, the arms of a running test, and whatever a rollout is trying.
    """
    c = ab_tests.c
    arms = tx.execute(
        sa.select(c.model_a_version, c.model_b_version).where(c.learner == learner, c.status == "running")
    )
    found = {ModelVersion(one): "an arm of the running A/B test" for row in arms for one in row}
    trying = (one.version for one in list_versions(tx, learner) if one.role == role and one.status in UNDER_TEST)
    found |= dict.fromkeys(trying, "in a rollout")
    before, serving = preceding(tx, learner, role), champion(tx, learner, role)
    if before is not None:
        found[before] = "the rollback target"
    if serving is not None:
        found[serving] = "the champion"
    return found


def retire(tx: sa.Connection, version: ModelVersion, reason: str, at: datetime) -> bool:
    """Take a version out of the running for good; False for one that serves or is under test, which stays."""
    c = model_versions.c
    done = (
        sa.update(model_versions)
        .where(c.version == version, c.status.in_(("challenger", "refused")))
        .values(status="retired", deprecated_at=at, deprecated_reason=reason, updated_at=at)
    )
    return tx.execute(done).rowcount == 1


def give_up_files(tx: sa.Connection, versions: Collection[ModelVersion], reason: str, at: datetime) -> None:
    """Say that the files of versions are gone. Said before a file is touched, so that none is missing unsaid.

    A version keeps the instant and the reason of an earlier retirement.
    """
    c = model_versions.c
    for version in versions:
        said = (
            sa.update(model_versions)
            .where(c.version == version, c.files_removed_at.is_(None), c.is_active.is_(False))
            .values(
                files_removed_at=at,
                deprecated_at=sa.func.coalesce(c.deprecated_at, sa.literal(at, UtcTime())),
                deprecated_reason=sa.func.coalesce(c.deprecated_reason, reason),
                status="retired",
                updated_at=at,
            )
        )
        if tx.execute(said).rowcount != 1:
            raise RefusalError(
                f"the files of `{version}` cannot be given up: it serves, or has none", where="model_versions",
                fix="ask again what may go",
            )  # fmt: skip


def removed_versions(tx: sa.Connection) -> list[StoredVersion]:
    """Every version, of any learner, whose files were given up."""
    return [one for one in list_versions(tx) if one.files_removed_at is not None]
