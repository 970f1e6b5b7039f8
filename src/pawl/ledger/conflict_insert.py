"""Inserts that can say what happens where the row stands already, which each database says in its own words."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

__all__ = ["conflict_insert"]


def conflict_insert(tx: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An insert into a table that goes on with `on_conflict_do_nothing` or `on_conflict_do_update`.

    >>> lamps = sa.Table("lamps", sa.MetaData(), sa.Column("room", sa.String(), primary_key=True))
    >>> with sa.create_engine("sqlite://").begin() as tx:
    ...     lamps.create(tx)
    ...     once = conflict_insert(tx, lamps).values(room="hall").on_conflict_do_nothing().returning(lamps.c.room)
    ...     [tx.execute(once).scalars().all() for _ in range(2)]
    [['hall'], []]
    """
    return postgresql.insert(table) if tx.dialect.name == "postgresql" else sqlite.insert(table)
