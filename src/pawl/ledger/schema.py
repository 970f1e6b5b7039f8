"""The schema of a ledger: is it the one this code knows, and if not, bring it there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pawl.errors import InputError
from pawl.ledger.metadata import METADATA

__all__ = ["HEAD", "is_current", "migrate", "step_back"]

HEAD = "r0013"
"""The newest revision in migrations/versions. Written here so that a ledger that is up to date needs no Alembic."""

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x5061776C  # any fixed number; PostgreSQL's advisory lock of one migration at a time

_stamp = sa.table("alembic_version", sa.column("version_num", sa.String))


def is_current(connection: sa.Connection) -> bool:
    """Whether the schema is the one this code knows."""
    if not sa.inspect(connection).has_table(_stamp.name):
        return False
    return connection.execute(sa.select(_stamp.c.version_num)).scalar_one_or_none() == HEAD


def migrate(connection: sa.Connection) -> None:
    """Walk the revisions to HEAD, inside the caller's transaction: all of them, or none.

    InputError for a ledger that a newer Pawl has written.
    """
    _walk(connection, lambda scripts, revision: scripts._upgrade_revs("head", revision))


def step_back(connection: sa.Connection, to: str) -> None:
    """Walk the revisions back, inside the caller's transaction; RefusalError where rows would be lost."""
    _walk(connection, lambda scripts, revision: scripts._downgrade_revs(to, revision))


def _walk(connection: sa.Connection, steps: Callable[[Any, Any], Any]) -> None:
    # Alembic takes 0.4 s to import and most openings do not need it.
    from alembic.config import Config  # noqa: PLC0415
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    scripts = ScriptDirectory(str(MIGRATIONS))
    with EnvironmentContext(Config(), scripts) as environment:
        environment.configure(
            connection=connection,
            target_metadata=METADATA,
            transactional_ddl=True,
            fn=lambda revision, _: steps(scripts, revision),
        )
        try:
            environment.run_migrations()
        except CommandError as error:
            raise InputError(
                f"the ledger is of a revision this Pawl does not know: {error}",
                where=str(connection.engine.url),
                fix="use the newer Pawl that wrote it, or another --home",
            ) from error
