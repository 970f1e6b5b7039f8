"""What a position may risk at most, as settings."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["RiskLimits"]


class RiskLimits(BaseModel):
    """What a position may risk at most.

    >>> RiskLimits().max_leverage
    10.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    max_leverage: float = Field(10.0, ge=1, le=125, description="largest leverage, times the margin")
    max_position_pct: float = Field(10.0, gt=0, le=100, description="largest position, percent of the capital")
