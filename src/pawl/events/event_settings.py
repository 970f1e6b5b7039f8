"""How the loop's events travel: over which bus, how often they are tried, and how much a stream keeps."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pawl.ledger.backoff import Backoff

__all__ = ["URL_VARIABLE", "EventSettings"]

URL_VARIABLE = "PAWL_REDIS_URL"
"""The environment variable that names the Redis. It may hold a password, so it stands in no file.

>>> URL_VARIABLE
'PAWL_REDIS_URL'
"""


class EventSettings(BaseModel):
    """Settings key `events`.

    >>> EventSettings().backoff.is_over(5)
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    bus: Literal["in_process", "redis"] = Field("in_process", description="what carries events: in_process or redis")
    poll_sec: float = Field(0.5, gt=0, le=60, description="how often the relay looks for events unasked, seconds")
    batch_size: int = Field(200, ge=1, le=1000, description="events that are published at once, count")
    max_open: int = Field(1000, ge=1, le=10_000, description="events on their way in one process, count")
    max_attempts: int = Field(5, ge=1, le=100, description="deliveries of an event before it is parked, count")
    backoff_base_sec: float = Field(
        0.5, gt=0, le=3600, description="wait after the first failure, seconds; then doubled"
    )
    backoff_max_sec: float = Field(10.0, gt=0, le=3600, description="longest wait between tries, seconds")
    remembered: int = Field(
        10_000, ge=0, le=1_000_000, description="events a group knows that it dealt with, count; in_process"
    )
    kept_days: float = Field(
        30.0, ge=1, le=36_600, description="how long the outbox keeps an event that was published, days"
    )
    prefix: str = Field("pawl:", max_length=50, description="how the keys in Redis begin")
    max_len: int = Field(100_000, ge=1, le=10_000_000, description="events that a stream keeps, count, about")
    is_on_channels: bool = Field(
        default=False, description="whether events are told on the plain Redis channels of their topics too"
    )
    dead_after_sec: float = Field(
        60.0, gt=0, le=86_400, description="silence after which a consumer's events go to another, seconds"
    )
    done_for_sec: int = Field(
        86_400, ge=1, le=2_592_000, description="how long Redis knows that a group dealt with an event, seconds"
    )

    @property
    def backoff(self) -> Backoff:
        """When to try again."""
        return Backoff(max_attempts=self.max_attempts, base_sec=self.backoff_base_sec, max_sec=self.backoff_max_sec)
