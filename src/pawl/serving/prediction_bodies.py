"""What `POST /predict` takes: bars of one ticker, or features that stand ready; and what it answers."""

from datetime import datetime
from typing import Annotated, Self, cast
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from pawl.serving.bodies import Name, Price

__all__ = ["GivenBar", "PredictBody", "PredictionAnswer"]

DEFAULT_LEARNER = "reversal"
MOST_BARS = 10_000
MOST_ROWS, MOST_FEATURES = 500, 2_000

Volume = Annotated[float, Field(strict=True, ge=0, le=1e18, allow_inf_nan=False)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Row = Annotated[list[Number], Field(min_length=1, max_length=MOST_FEATURES)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GivenBar(_Body):
    """One bar. ts: its open time, with its zone."""

    ts: AwareDatetime
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Volume = 0.0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low <= min(self.open, self.close) <= max(self.open, self.close) <= self.high:
            raise PydanticCustomError("ohlc_violation", "the low or the high is not that of the bar's prices")
        return self


class PredictBody(_Body):
    """market_data: bars, oldest first, as many as the features look back on; one that has not closed is left out.

    features: in their stored order, one row or the window that the model reads, of the bar that opened at
    `bar_timestamp`. version: the one to ask; without it the A/B test or the active version of `learner` decides.
    """

    market_data: Annotated[list[GivenBar], Field(min_length=1, max_length=MOST_BARS)] | None = None
    # In this order, for pydantic's own way tries every form on every body.
    features: Annotated[
        Row | Annotated[list[Row], Field(min_length=1, max_length=MOST_ROWS)] | None,
        Field(union_mode="left_to_right"),
    ] = None
    bar_timestamp: AwareDatetime | None = None
    version: Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[a-z0-9_.-]+$")] | None = None
    learner: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_]*$")] = DEFAULT_LEARNER
    pair: Name | None = None
    ticker: Name | None = None
    timeframe: Annotated[str, Field(max_length=8, pattern=r"^[1-9][0-9]*[mhd]$")] | None = None

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if (self.pair is None) == (self.ticker is None):
            raise PydanticCustomError("one_ticker", "name one `pair`, or one `ticker`")
        if (self.market_data is None) == (self.features is None):
            raise PydanticCustomError("one_input", "send `market_data`, or `features`")
        if (self.features is None) != (self.bar_timestamp is None):
            raise PydanticCustomError("bar_timestamp", "`bar_timestamp` stands with `features`, and with nothing else")
        if len({len(row) for row in self.rows}) > 1:
            raise PydanticCustomError("ragged", "the rows of `features` have more than one length")
        return self

    @property
    def rows(self) -> list[list[float]]:
        """The features as rows; none where bars were sent."""
        if not self.features:
            return []
        is_window = isinstance(self.features[0], list)
        return cast(list[list[float]], self.features if is_window else [self.features])

    @property
    def name(self) -> str:
        """Of the pair or ticker."""
        return self.pair or self.ticker or ""


class PredictionAnswer(BaseModel):
    """signal: in the learner's own word. ab_test_id: of the test that chose the version; null where none did.

    bar_timestamp: open time of the last bar that had closed.
    """

    signal: str
    confidence: float
    model_version: str
    inference_id: UUID
    trace_id: str
    ab_test_id: UUID | None
    bar_timestamp: datetime
