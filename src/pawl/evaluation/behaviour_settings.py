"""From where on what a user does is a pattern, and which patterns are shown: everything that can be set of it."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["BaseRates", "BehaviourSettings"]


def _rate(default: float, meaning: str) -> float:
    rate: float = Field(default, gt=0, lt=1, description=f"share, up to which it is no weakness: {meaning}, fraction")
    return rate


class BaseRates(BaseModel):
    """How often each pattern shows in whoever keeps to the rules: by chance, or because an order slips."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    chasing_overbought: float = _rate(0.20, "trades of the user's own opened after a stretch on their side")
    delayed_stops: float = _rate(0.15, "losses with a stop that ended beyond it")
    over_leverage: float = _rate(0.05, "trades above the limit of leverage")
    no_stop_loss: float = _rate(0.10, "trades without a stop")
    revenge_trading: float = _rate(0.10, "losses that a riskier trade follows at once")
    holding_losers: float = _rate(0.30, "losses held far longer than wins are")
    overriding_right_calls: float = _rate(0.50, "overridden recommendations that were right")


class BehaviourSettings(BaseModel):
    """When something a user does is called a pattern, and which patterns are shown.

    >>> BehaviourSettings().base_rates.over_leverage
    0.05
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    weeks: int = Field(12, ge=2, le=104, description="weeks back to Monday that a pattern is read from, this one in")
    recent_weeks: int = Field(4, ge=1, le=52, description="of these, the newest that progress is measured on, weeks")
    alpha: float = Field(
        0.05, gt=0, lt=1, description="chance to name any wrong pattern, over all of them and every look, probability"
    )
    min_exposures: int = Field(20, ge=5, le=10_000, description="occasions before a pattern is judged at all, count")
    stretch_above: float = Field(
        1.5, gt=0, le=10, description="24-hour return from which a market is overbought, units of its volatility"
    )
    stop_tolerance_bps: float = Field(
        20.0, ge=0, le=1000, description="how far an exit may slip beyond its stop, bps of the entry price"
    )
    stop_tolerance_share: float = Field(
        0.25, ge=0, le=2, description="the same as a share of the distance of the stop; the larger counts, fraction"
    )
    revenge_within_sec: int = Field(
        3600, ge=60, le=86_400, description="time after a loss in which the next trade may be revenge, seconds"
    )
    revenge_times: float = Field(
        1.5, gt=1, le=100, description="how many times larger or more leveraged revenge is than the loss, times"
    )
    holding_times: float = Field(2.0, gt=1, le=100, description="how many times the median win a loser is held, times")
    base_rates: BaseRates = Field(default_factory=BaseRates, description="what is no weakness, by pattern")
