"""What the listings of Passport can be asked for."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["DatasetQuery", "EvaluationQuery"]

Version = Annotated[
    str | None,
    Field(
        max_length=50, pattern=r"^[a-z][a-z0-9_]*-[0-9]+\.[0-9]+(-daily-[0-9]{8})?$", description="one version alone"
    ),
]


class _Page(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Annotated[int, Field(ge=1, le=100, description="rows of a page, count")] = 20
    cursor: Annotated[str | None, Field(max_length=200, description="next_cursor of the page before")] = None


class DatasetQuery(_Page):
    """Which dataset versions.

    >>> DatasetQuery().limit
    20
    """

    dataset_type: Literal["pretrain", "sft", "orpo", "supervised"] | None = None


class EvaluationQuery(_Page):
    """Which evaluation reports.

    >>> EvaluationQuery(model_version="m002-1.0").scope is None
    True
    """

    model_version: Version = None
    scope: Literal["offline", "shadow", "canary"] | None = None
    gate_result: Literal["pass", "fail"] | None = None
    role: Literal["policy", "analyst"] | None = None
