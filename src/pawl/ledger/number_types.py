"""Column types of figures that mean the same on SQLite and PostgreSQL: no NaN, and no more digits than the column has.

Left to themselves, SQLite stores a NaN as NULL and any number in a DECIMAL(5,4); PostgreSQL stores the NaN, which is
greater than every limit of a CHECK, rounds, and ends the transaction at the first number that is too great.
"""

import math
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from pawl.errors import InputError

__all__ = ["Fixed", "Real"]


class Real(TypeDecorator[float]):
    """A double that is a number."""

    impl = sa.Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        """InputError for NaN and the infinities."""
        return None if value is None else _finite(value)


class Fixed(TypeDecorator[float]):
    """`DECIMAL(precision, scale)`, read as a float: rounded to its scale before it is stored.

    >>> Fixed(5, 4).process_bind_param(0.123456, sa.create_engine("sqlite://").dialect)
    0.1235
    """

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        super().__init__(precision, scale, asdecimal=False)
        self.precision, self.scale = precision, scale

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> float | None:  # noqa: ANN401 - a number
        """InputError for NaN, the infinities and what needs more digits before the point than there are."""
        if value is None:
            return None
        rounded = round(_finite(value), self.scale)
        if abs(rounded) >= 10 ** (self.precision - self.scale):
            raise InputError(
                f"{value} does not fit DECIMAL({self.precision},{self.scale})",
                where="ledger",
                fix="leave a figure that is out of all bounds empty",
            )
        return rounded


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise InputError(f"{value} is no figure", where="ledger", fix="store None where nothing could be measured")
    return float(value)
