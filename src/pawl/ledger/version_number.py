"""Version numbers, never used twice, and compared as integers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Self

import sqlalchemy as sa

from pawl.errors import NotFoundError
from pawl.ids import ModelVersion
from pawl.ledger.version_tables import version_numbers

__all__ = [
    "IMPORTED",
    "VersionNumber",
    "claim_number",
    "count_numbers",
    "first_number",
    "keep_number",
    "next_number",
]

IMPORTED: Mapping[str, tuple[int, int]] = MappingProxyType({"reversal": (3, 2)})
"""Numbers that a learner had used up before it came here: its first version here is the one after."""

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

    def daily_of(self, day: date) -> Self:
        """The daily update of a day. It is named after the base, so no name ever carries `-daily-` twice.

        >>> VersionNumber.parse("reversal-3.2-daily-20251020").daily_of(date(2025, 10, 21)).version
        'reversal-3.2-daily-20251021'
        """
        return replace(self, daily=f"{day:%Y%m%d}")

    @classmethod
    def parse_short(cls, text: str, learner: str) -> Self:
        """Read a version as the learner's own users write it, `v3.3`; a full name is read as ever.

        >>> VersionNumber.parse_short("v3.10-daily-20251021", "reversal").version
        'reversal-3.10-daily-20251021'
        """
        return cls.parse(f"{learner}-{text[1:]}" if re.match(r"v[0-9]", text) else text)

    @property
    def short(self) -> str:
        """As the learner's own users write it.

        >>> VersionNumber("reversal", 3, 3).short
        'v3.3'
        """
        return f"v{str(self).removeprefix(f'{self.learner}-')}"

    @property
    def version(self) -> ModelVersion:
        """As it is written and stored."""
        return ModelVersion(str(self))

    def __str__(self) -> str:
        name = f"{self.learner}-{self.major}.{self.minor}"
        return f"{name}-daily-{self.daily}" if self.daily else name


def first_number(learner: str) -> VersionNumber:
    """The first number that a learner's training gets here.

    >>> first_number("m002").version, first_number("reversal").version
    ('m002-1.0', 'reversal-3.3')
    """
    if learner in IMPORTED:
        major, minor = IMPORTED[learner]
        return VersionNumber(learner, major, minor + 1)
    return VersionNumber(learner, 1, 0)


def next_number(used: Iterable[VersionNumber], learner: str) -> VersionNumber:
    """The number after the highest ever used, deleted ones included; a daily update has the number of its base.

    >>> used = map(VersionNumber.parse, ["reversal-3.9", "reversal-3.10", "reversal-3.2-daily-20251021"])
    >>> next_number(used, "reversal").version
    'reversal-3.11'
    """
    first = first_number(learner)
    taken = [number.base for number in used if number.learner == learner]
    newest = max(taken, default=None)
    return first if newest is None else max(first, replace(newest, minor=newest.minor + 1))


def claim_number(tx: sa.Connection, learner: str, now: datetime) -> VersionNumber:
    """The next free number of a learner, taken for good, whatever becomes of its training."""
    VersionNumber.parse(f"{learner}-1.0")  # a name that no version can carry is refused before it is stored
    c = version_numbers.c
    newest_first = (
        sa.select(c.major, c.minor).where(c.learner == learner).order_by(c.major.desc(), c.minor.desc()).limit(1)
    )
    while True:
        newest = tx.execute(newest_first).one_or_none()
        used = [VersionNumber(learner, newest.major, newest.minor)] if newest else []
        number = next_number(used, learner)
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
