"""How the regime network is built and trained."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["RegimeConfig"]


class RegimeConfig(BaseModel):
    """Size and training of the regime network (spec m002, 4.3).

    >>> RegimeConfig().max_epochs
    15
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_states: int = Field(5, ge=2, description="classes the network tells apart")
    seq_len: int = Field(20, ge=2, description="bars in a window")
    hidden: int = Field(64, ge=1, description="hidden units of the LSTM")
    layers: int = Field(1, ge=1, le=4, description="stacked LSTM layers")
    dropout: float = Field(0.2, ge=0, lt=1, description="share of last hidden units dropped while training")
    batch_size: int = Field(256, ge=2, description="windows drawn for a step, before classes are evened")
    learning_rate: float = Field(1e-3, gt=0, description="of AdamW")
    max_epochs: int = Field(15, ge=1, le=15, description="passes over the training windows, at most")
    patience: int = Field(4, ge=1, description="epochs without a lower validation loss before training stops")
    label_smoothing: float = Field(0.15, ge=0, lt=1, description="of the cross-entropy loss")
