"""What all tables share: names of constraints that both databases know, and the form of a value set."""

from collections.abc import Iterable

import sqlalchemy as sa

__all__ = ["METADATA", "MODEL_ROLES", "is_one_of", "quoted"]

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

MODEL_ROLES = ("policy", "analyst")


def is_one_of(column: str, values: Iterable[str]) -> sa.CheckConstraint:
    """A CHECK that the column holds one of the values, or NULL where it may.

    >>> str(is_one_of("status", ["queued", "running"]).sqltext)
    "status IN ('queued', 'running')"
    """
    return sa.CheckConstraint(f"{column} IN ({quoted(values)})", name=column)


def quoted(values: Iterable[str]) -> str:
    """The values as a list of SQL texts."""
    return ", ".join(f"'{value}'" for value in values)
