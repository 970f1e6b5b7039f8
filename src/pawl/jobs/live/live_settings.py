"""The settings of the live loop."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LiveSettings"]


class LiveSettings(BaseModel):
    """Settings key `live`.

    >>> LiveSettings().stale_bars
    2
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    overlap_bars: int = Field(4, ge=1, le=500, description="stored bars that a fetch asks for again, count")
    history_bars: int = Field(
        1000, ge=200, le=100_000, description="newest bars that features and predictions are computed from, count"
    )
    catch_up_days: float = Field(
        30.0, gt=0, le=3660, description="how far back the first fetch of a ticker without bars reaches, days"
    )
    stale_bars: int = Field(2, ge=1, le=1000, description="a bar older than this many bars gets no signal, count")
    late_sec: float = Field(
        120.0, gt=0, le=86_400, description="delay from which a cycle counts as late and the loop as not ready, seconds"
    )
    train_retry_sec: float = Field(300.0, gt=0, le=86_400, description="wait before a failed training runs again, s")
