"""Version numbers, never used twice, and compared as integers."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

import sqlalchemy as sa

from pawl.errors import NotFoundError
from pawl.ids import ModelVersion
from pawl.ledger.version_tables import version_numbers

__all__ = ["VersionNumber", "claim_number", "count_numbers", "keep_number"]

PATTERN = re.compile(r"(?P<learner>[a-z][a-z0-9_]*)-(?P<major>[0-9]+)\.(?P<minor>[0-9]+)(-daily-(?P<daily>[0-9]{8}))?")


@dataclass(frozen=True, slots=True, order=True)
class VersionNumber:
    """`<learner>-<major>.<minor>[-daily-YYYYMMDD]`.

    >>> VersionNumber.parse("m002-1.10") > VersionNumber.parse("m002-1.9")
    True
    >>> VersionNumber.parse("m002-3.4-daily-20251021").base.version
    'm002-3.4'
    """

    learner: str
    major: int
    minor: int
    daily: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a version; NotFoundError for what cannot be one."""
        match = PATTERN.fullmatch(text)
        if match is None:
            raise NotFoundError(f"`{text}` is not a version", where="VERSION", fix="write it like m002-1.0")
        return cls(match["learner"], int(match["major"]), int(match["minor"]), match["daily"] or "")

    @property
    def base(self) -> Self:
        """The version that a daily update updates; the version itself where it is none."""
        return replace(self, daily="")

    @property
    def version(self) -> ModelVersion:
        """As it is written and stored."""
        return ModelVersion(str(self))

    def __str__(self) -> str:
        name = f"{self.learner}-{self.major}.{self.minor}"
        return f"{name}-daily-{self.daily}" if self.daily else name


def claim_number(tx: sa.Connection, learner: str, now: datetime) -> VersionNumber:
    """The next free number of a learner, taken for good, whatever becomes of its training; the first is 1.0."""
    VersionNumber.parse(f"{learner}-1.0")  # a name that no version can carry is refused before it is stored
    c = version_numbers.c
    newest_first = (
        sa.select(c.major, c.minor).where(c.learner == learner).order_by(c.major.desc(), c.minor.desc()).limit(1)
    )
    while True:
        newest = tx.execute(newest_first).one_or_none()
        number = VersionNumber(learner, newest.major, newest.minor + 1) if newest else VersionNumber(learner, 1, 0)
        if keep_number(tx, number, now):
            return number


def keep_number(tx: sa.Connection, number: VersionNumber, now: datetime) -> bool:
    """Take this very number (a version that came from elsewhere keeps its own); False when it is taken already."""
    row = {"learner": number.learner, "major": number.major, "minor": number.minor, "claimed_at": now}
    try:
        with tx.begin_nested():  # on PostgreSQL a refused row would end the whole transaction
            tx.execute(sa.insert(version_numbers).values(row))
    except sa.exc.IntegrityError:
        return False
    return True


def count_numbers(tx: sa.Connection, learner: str) -> int:
    """How many numbers were ever taken: the candidates that a good-looking Sharpe ratio must survive."""
    counted = sa.select(sa.func.count()).select_from(version_numbers).where(version_numbers.c.learner == learner)
    return tx.execute(counted).scalar_one()
