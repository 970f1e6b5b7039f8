"""How the soft policy turns predictions into positions."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["PolicyConfig"]


class PolicyConfig(BaseModel):
    """How predictions become positions; θ_short < 0 < θ_long, anything else is refused.

    >>> PolicyConfig().theta_long
    0.002
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    risk_aversion: float = Field(0.5, ge=0, description="λ, weight of the expected drawdown")
    theta_long: float = Field(0.002, description="score from which the action is long, fraction > 0")
    theta_short: float = Field(-0.002, description="score down to which it may be short, fraction < 0")
    peak_prob_threshold: float = Field(0.5, ge=0, le=1, description="probability of Peak that allows a short")
    k: float = Field(1.0, gt=0, description="size for one unit of score over volatility")
    size_max: float = Field(1.0, gt=0, description="largest size, share of the ticker's capital")
    vol_window: int = Field(10, ge=1, le=250, description="rows that ex_ante_vol averages")
    vol_floor: float = Field(0.001, gt=0, description="least volatility a size is divided by, fraction of price")

    @model_validator(mode="after")
    def _thresholds_straddle_zero(self) -> Self:
        # A long threshold at or below zero would open longs on scores whose size is zero or negative.
        if not self.theta_short < 0 < self.theta_long:
            raise ValueError(f"theta_short < 0 < theta_long is needed, got {self.theta_short} and {self.theta_long}")
        return self
