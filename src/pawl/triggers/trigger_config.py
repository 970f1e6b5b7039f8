"""Limits, windows and cooldowns of the triggers."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["TriggerSettings"]


class TriggerSettings(BaseModel):
    """When something is set off that no schedule asks for. Settings key `triggers`.

    >>> TriggerSettings().win_rate_drop, TriggerSettings().ece_rise
    (0.05, 0.02)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    window_days: float = Field(14, ge=1, description="recent outcomes and feature rows, days")
    reference_days: float = Field(90, ge=7, description="look-back that the recent ones are compared inside, days")
    min_outcomes: int = Field(100, ge=30, description="resolved decisions in the window, and before it, count")
    win_rate_drop: float = Field(0.05, gt=0, lt=1, description="fall of the win rate that fires, fraction")
    ece_rise: float = Field(0.02, gt=0, lt=1, description="worsening of the calibration error that fires")
    min_volatility_ratio: float = Field(
        0.5, gt=0, lt=1, description="3-day over 30-day volatility below which it fires"
    )
    max_volatility_ratio: float = Field(2.0, gt=1, description="3-day over 30-day volatility above which it fires")
    correlation_distance: float = Field(
        0.5, gt=0, description="relative Frobenius distance of 14-day and 90-day correlations that fires"
    )
    min_returns: int = Field(24, ge=3, description="returns in the shortest window of a regime, count")
    psi: float = Field(0.2, gt=0, description="population stability index of a feature, less its noise, that fires")
    adwin_delta: float = Field(0.00001, gt=0, lt=1, description="false-alarm parameter of the ADWIN detector")
    hold_share: float = Field(0.95, gt=0, lt=1, description="share of hold among recent decisions that alerts")
    hold_days: float = Field(7, ge=1, description="recent decisions whose hold share is taken, days")
    pause_volatility: float = Field(3.0, gt=1, description="1-day volatility over its 90-day median that pauses")
    pause_missing: float = Field(0.20, gt=0, lt=1, description="share of missing bars in a day that pauses")
    anomaly_missing: float = Field(
        0.05, gt=0, lt=1, description="share of a ticker's missing bars in a day that alerts"
    )
    anomaly_owed_bars: int = Field(4, ge=1, description="newest bars of a ticker in a row, missing, that alert, count")
    anomaly_refused: float = Field(
        0.01, gt=0, lt=1, description="share of a ticker's unusable rows in a day that alerts"
    )
    cooldown_days: float = Field(14, gt=0, description="rest of a trigger that asks for a training, days")
    alert_cooldown_days: float = Field(1, gt=0, description="rest of an alert; calm after which a pause lifts, days")
