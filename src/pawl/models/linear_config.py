"""How stiff the linear head is."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LinearConfig"]


class LinearConfig(BaseModel):
    """Strength of the penalties.

    >>> LinearConfig().ridge_penalty
    10.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    inverse_penalty: float = Field(0.1, gt=0, description="C of the logistic regression; smaller is stiffer")
    ridge_penalty: float = Field(10.0, ge=0, description="alpha of the two ridge regressions")
