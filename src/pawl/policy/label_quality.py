"""The label of a trajectory: what its finished outcome says of the decision."""

import math
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pawl.errors import InputError

__all__ = ["LabelQuality", "LabelSettings", "label_quality"]


class LabelQuality(StrEnum):
    """The four values of the column `label_quality`.

    >>> LabelQuality("fair")
    Traceback (most recent call last):
    ValueError: 'fair' is not a valid LabelQuality
    """

    PENDING = "pending"
    GOOD = "good"
    BAD = "bad"
    AMBIGUOUS = "ambiguous"


class LabelSettings(BaseModel):
    """The utilities between which a finished decision says nothing; bad_below ≤ good_from."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    good_from: float = Field(10.0, ge=-1e6, le=1e6, description="utility from which a label is good, utility")
    bad_below: float = Field(0.0, ge=-1e6, le=1e6, description="utility below which a label is bad, utility")

    @model_validator(mode="after")
    def _thresholds_do_not_cross(self) -> Self:
        if self.bad_below > self.good_from:
            raise ValueError(f"bad_below ≤ good_from is needed, got {self.bad_below} and {self.good_from}")
        return self


def label_quality(
    utility: float | None, rule_violations: int, settings: LabelSettings, *, is_final: bool, is_conflicted: bool = False
) -> LabelQuality:
    """Good, bad or ambiguous once the outcome is final; pending before, whatever else is known.

    utility: None while not scored. is_conflicted: another trajectory of the same context says the contrary. A final
    outcome without a finite utility is an InputError.

    >>> label_quality(12.0, 0, LabelSettings(), is_final=True), label_quality(12.0, 1, LabelSettings(), is_final=True)
    (<LabelQuality.GOOD: 'good'>, <LabelQuality.BAD: 'bad'>)
    """
    if not is_final:
        return LabelQuality.PENDING
    if utility is None or not math.isfinite(utility):
        raise InputError(f"a final outcome has the utility {utility}", where="label quality", fix="score it first")
    if is_conflicted:
        return LabelQuality.AMBIGUOUS
    if rule_violations > 0 or utility < settings.bad_below:
        return LabelQuality.BAD
    return LabelQuality.GOOD if utility >= settings.good_from else LabelQuality.AMBIGUOUS
