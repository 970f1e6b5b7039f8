"""What trading costs, in every backtest."""

from pydantic import BaseModel, ConfigDict, Field

from pawl.market.basis_points import BPS

__all__ = ["Costs"]


class Costs(BaseModel):
    """What trading costs a side, in basis points of the notional traded.

    >>> Costs(fee_bps=4, slippage_bps=2).fraction
    0.0006
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    fee_bps: float = Field(5.0, ge=0, le=1000, description="fee a side, bps of notional")
    slippage_bps: float = Field(2.0, ge=0, le=1000, description="slippage a side, bps of notional")

    @property
    def fraction(self) -> float:
        """Fee and slippage together, as a fraction of the notional."""
        return (self.fee_bps + self.slippage_bps) / BPS

    @property
    def round_trip_bps(self) -> float:
        """Fee and slippage of both sides."""
        return 2 * (self.fee_bps + self.slippage_bps)
