"""How the monthly selection is set."""

from pydantic import BaseModel, ConfigDict, Field

from pawl.evaluation.ranking import RankingRules

__all__ = ["MonthlySettings"]


class MonthlySettings(BaseModel):
    """The monthly selection. Settings key `monthly`.

    >>> MonthlySettings().daily_files_months
    3
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    ranking: RankingRules = Field(default_factory=RankingRules, description="which versions are ranked")
    poor_below_bps: float = Field(
        0.0,
        ge=-1000,
        le=1000,
        description="a ranked version that never served and earned less is retired, bps a signal",
    )
    daily_files_months: int = Field(
        3, ge=1, le=120, description="files of daily versions older than this go unless needed, months"
    )
