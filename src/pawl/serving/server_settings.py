"""How the service takes requests in."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ServerSettings"]


class ServerSettings(BaseModel):
    """Limits of the HTTP service.

    >>> ServerSettings().host
    '127.0.0.1'
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    host: str = Field("127.0.0.1", description="the address that is listened on; another one needs a token first")
    port: int = Field(8000, ge=0, le=65_535, description="the port; 0 takes a free one")
    max_body_bytes: int = Field(2**20, ge=1024, le=2**26, description="largest body of a request, bytes")
    max_future_sec: float = Field(60.0, ge=0, description="how far ahead of the server a request may be dated, seconds")
    max_age_sec: float = Field(86_400.0, gt=0, description="how far behind the server a request may be dated, seconds")
    requests_per_sec: float = Field(50.0, gt=0, description="requests a token may send on and on, a second")
    burst: int = Field(200, ge=1, description="requests a token may send at once, count")
    token_cache_sec: float = Field(
        2.0, ge=0, le=60, description="longest time until a revoked token is refused, seconds"
    )
    operators: list[UUID] | None = Field(
        None, description="the users who may start and stop A/B tests; without it whoever holds a token"
    )
    model_timeout_sec: float = Field(
        10.0, gt=0, le=600, description="how long a serving model may take to answer, seconds"
    )
