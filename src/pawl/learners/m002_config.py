"""The settings of m002: its layers, and which rows each of them may read."""

from pydantic import BaseModel, ConfigDict, Field

from pawl.models.head_config import HeadConfig
from pawl.models.linear_config import LinearConfig
from pawl.models.regime_config import RegimeConfig
from pawl.policy.policy_config import PolicyConfig

__all__ = ["M002Config"]


class M002Config(BaseModel):
    """How m002 is fitted.

    >>> M002Config().policy.risk_aversion
    0.5
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    regime: RegimeConfig = Field(default_factory=RegimeConfig, description="the LSTM")
    head: HeadConfig = Field(default_factory=HeadConfig, description="the LightGBM head")
    linear: LinearConfig = Field(default_factory=LinearConfig, description="the linear baseline")
    policy: PolicyConfig = Field(default_factory=PolicyConfig, description="the rules")
    n_folds: int = Field(4, ge=1, le=20, description="out-of-fold classifiers on the head's training rows, count")
    reported_share: float = Field(0.2, gt=0, lt=0.5, description="newest dates kept for the report, fraction")
    snapshot_share: float = Field(0.15, gt=0, lt=0.5, description="newest fitted dates, to pick the snapshot, fraction")
    embargo_bars: int = Field(5, ge=5, description="dates kept free between fitted and scored rows, count")
