"""What stops training on a ticker: the limits of the data checks."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["QualityLimits"]


class QualityLimits(BaseModel):
    """Beyond one of these a ticker fails its check; below, the finding only warns. Settings key `quality`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_missing_share: float = Field(0.05, ge=0, le=1, description="bars missing from the calendar, share of expected")
    max_gap_days: float = Field(30.0, gt=0, description="longest stretch without a bar, days")
    max_quarantined_share: float = Field(0.01, ge=0, le=1, description="rows in quarantine, share of all rows")
    max_zero_volume_share: float = Field(0.05, ge=0, le=1, description="bars without volume, share (not on fx)")
    stale_bars: int = Field(5, ge=2, description="flat bars at one price in a row that fail, count")
    stale_minutes: float = Field(60.0, ge=0, description="and they must last as long as this, minutes")
    spike_sigmas: float = Field(12.0, gt=0, description="a move counts as a spike from here, local sigmas")
    spike_reverts_to: float = Field(0.2, ge=0, lt=1, description="share of it that a suspicious spike leaves")
    suspicious_move: float = Field(0.4, gt=0, description="a suspicious spike fails when it moved this far, fraction")
    suspicious_sigmas: float = Field(50.0, gt=0, description="or this far, local sigmas")
    min_suspicious_move: float = Field(0.03, gt=0, description="a smaller move is never suspicious, fraction")
