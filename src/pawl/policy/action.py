"""What a policy decides: a side of the market, or none."""

from enum import StrEnum

__all__ = ["Action"]


class Action(StrEnum):
    """The words inside Pawl; a learner's own words (`neutral`, `hold`) appear at its edge only.

    >>> Action("short").sign, Action.FLAT.is_position
    (-1, False)
    """

    LONG = "long"
    SHORT = "short"
    FLAT = "flat"

    @property
    def sign(self) -> int:
        """1 long, −1 short, 0 flat."""
        return {Action.LONG: 1, Action.SHORT: -1, Action.FLAT: 0}[self]

    @property
    def is_position(self) -> bool:
        """Whether it takes a side."""
        return self is not Action.FLAT
