"""How the online test of two versions is set: its blocks, its first look, and where its power is spent."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["SequenceSettings"]

WHOLE_HORIZONS = 4


class SequenceSettings(BaseModel):
    """The anytime-valid paired test of a candidate in shadow. Settings key `sequence`.

    >>> SequenceSettings(block_horizons=2, gap_horizons=1).min_blocks
    10
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    error_rate: float = Field(0.05, gt=0, le=0.2, description="chance of ever promoting a no-better version, one-sided")
    min_blocks: int = Field(10, ge=10, le=1000, description="complete blocks before the first look, count")
    block_horizons: int = Field(
        4, ge=2, le=100, description="length of a block, label horizons (at least 4, or 2 with gap_horizons)"
    )
    gap_horizons: int = Field(0, ge=0, le=100, description="left out between two blocks, label horizons")
    tuned_gain: float = Field(
        0.5, gt=0, le=3, description="gain at which the bound is tightest, in standard deviations of a block's mean"
    )

    @model_validator(mode="after")
    def _blocks_hardly_depend_on_each_other(self) -> Self:
        # Labels of neighbouring blocks overlap by one horizon: measured, blocks of fewer than four promote too often.
        if self.block_horizons < WHOLE_HORIZONS and not self.gap_horizons:
            raise ValueError(f"a block of {self.block_horizons} horizons needs gap_horizons of at least 1")
        return self
