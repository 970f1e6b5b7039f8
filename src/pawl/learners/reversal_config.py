"""The settings of reversal: its network, its daily update, its baselines, and which rows each fit may read."""

from pydantic import BaseModel, ConfigDict, Field

from pawl.models.head_config import HeadConfig
from pawl.models.linear_config import LinearConfig
from pawl.models.reversal_config import DailyConfig, ReversalNetConfig

__all__ = ["ReversalConfig"]


class ReversalConfig(BaseModel):
    """How reversal is fitted.

    >>> ReversalConfig().months
    3
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    network: ReversalNetConfig = Field(default_factory=ReversalNetConfig, description="the two-headed LSTM")
    daily: DailyConfig = Field(default_factory=DailyConfig, description="the daily update")
    linear: LinearConfig = Field(default_factory=LinearConfig, description="the linear baseline")
    boosted: HeadConfig = Field(default_factory=HeadConfig, description="the LightGBM baseline")
    months: int = Field(3, ge=1, le=120, description="newest months that a full training is fitted and reported on")
    train_share: float = Field(0.70, gt=0, lt=1, description="oldest instants, fitted, fraction")
    valid_share: float = Field(0.15, gt=0, lt=1, description="instants after them, to stop the fit, fraction")
    embargo_bars: int = Field(20, ge=20, description="bars kept free between two parts, beside the label's 16, count")
    position_size: float = Field(1.0, gt=0, le=1, description="of a position, share of the pair's capital")
    backtest_days: int = Field(30, ge=1, description="newest days of the weekly backtest, where unread, days")
    min_report_rows: int = Field(100, ge=1, description="unread rows below which a weekly version fails, count")
