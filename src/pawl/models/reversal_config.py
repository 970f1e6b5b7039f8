"""How the reversal network is built, trained in full, and updated a little every day."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["SEQUENCE_LENGTH", "DailyConfig", "ReversalNetConfig"]

SEQUENCE_LENGTH = 20


class ReversalNetConfig(BaseModel):
    """Size and full training of the two-headed network.

    >>> ReversalNetConfig().batch_size
    32
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sequence_length: int = Field(SEQUENCE_LENGTH, ge=2, description="bars in a window, count")
    hidden: int = Field(64, ge=1, description="hidden units of the LSTM, count")
    layers: int = Field(1, ge=1, le=4, description="stacked LSTM layers, count")
    dropout: float = Field(0.3, ge=0, lt=1, description="last hidden units dropped while training, fraction")
    learning_rate: float = Field(0.001, gt=0, description="of Adam in a full training")
    batch_size: int = Field(32, ge=1, description="windows a step, count")
    max_epochs: int = Field(100, ge=1, le=100, description="passes over the training windows, at most, count")
    patience: int = Field(10, ge=1, description="epochs without a lower validation loss before training stops, count")
    confidence_weight: float = Field(1.0, gt=0, description="weight of the confidence head's loss beside the classes'")
    checkpoint_every: int = Field(5, ge=1, description="epochs between two checkpoints, count")


class DailyConfig(BaseModel):
    """The daily update: fine-tuning of the active model on what the last day resolved.

    >>> DailyConfig().learning_rate
    0.0001
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    learning_rate: float = Field(0.0001, gt=0, description="of Adam in a daily update")
    epochs: int = Field(10, ge=1, description="passes over the day's windows, count")
    batch_size: int = Field(32, ge=1, description="windows a step, count")
    validation_split: float = Field(0.2, gt=0, lt=1, description="newest of the day's windows not fitted, fraction")
    min_sequences: int = Field(100, ge=2, description="labelled windows below which the day is skipped, count")
    validation_days: int = Field(7, ge=1, description="days that candidate and current model are compared on, days")
    min_validation_rows: int = Field(100, ge=1, description="rows below which nothing is deployed, count")
