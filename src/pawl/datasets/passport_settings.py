"""How users' decisions are scored, labelled and chosen for datasets: everything that can be set of it."""

from pydantic import BaseModel, ConfigDict, Field

from pawl.policy.label_quality import LabelSettings
from pawl.policy.risk_limits import RiskLimits
from pawl.policy.utility import UtilitySettings

__all__ = [
    "DatasetSettings",
    "OversamplingSettings",
    "PairSettings",
    "PassportSettings",
    "SftSettings",
    "SimilaritySettings",
]


class OversamplingSettings(BaseModel):
    """What counts as fast, and how often it is repeated."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    fast_quantile: float = Field(
        0.8, gt=0, lt=1, description="quantile of a ticker's volatility in training above which it moves fast"
    )
    n_copies: int = Field(2, ge=2, le=10, description="how often a fast row stands in the training side, count")


class SftSettings(BaseModel):
    """How choosy the supervised samples are."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    top_share: float = Field(0.10, gt=0, le=0.10, description="best share of a regime's samples that is kept, fraction")
    min_per_regime: int = Field(50, ge=10, description="samples below which a regime gives none, count")


class SimilaritySettings(BaseModel):
    """How far apart two decisions may lie to be compared."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    max_context_distance: float = Field(
        1.0, gt=0, le=10, description="largest root mean square difference of two contexts, standard deviations"
    )
    max_days_apart: float = Field(7.0, gt=0, le=7, description="largest distance of two decision times, days")
    max_compared: int = Field(
        16, ge=1, le=1000, description="later decisions of its block that one is compared with, nearest first, count"
    )


class PairSettings(BaseModel):
    """Which pairs are worth learning from."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min_margin: float = Field(10.0, gt=0, le=1e6, description="least difference of the utilities of a pair, utility")
    min_minority_share: float = Field(
        0.15, gt=0, lt=1, description="least share of pairs from the rarer half of the regimes, fraction"
    )
    max_pairs: int = Field(
        100_000, ge=100, le=10_000_000, description="pairs a dataset holds at most, thinned evenly in time, count"
    )
    similarity: SimilaritySettings = Field(
        default_factory=SimilaritySettings, description="which decisions are compared at all"
    )


class DatasetSettings(BaseModel):
    """How a dataset is divided in time."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    eval_share: float = Field(
        0.2, gt=0, lt=0.5, description="newest share of the decisions kept for evaluation, fraction"
    )
    min_gap_hours: float = Field(
        24.0,
        ge=0,
        le=8760,
        description="least time between the sides; a longer hold or horizon makes the gap longer, hours",
    )


class PassportSettings(BaseModel):
    """Everything that scores, labels and chooses what users decided.

    >>> PassportSettings().sft.min_per_regime
    50
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    utility: UtilitySettings = Field(default_factory=UtilitySettings, description="what a finished decision is worth")
    labels: LabelSettings = Field(default_factory=LabelSettings, description="from where on it is good, or bad")
    limits: RiskLimits = Field(default_factory=RiskLimits, description="what a position may risk at most")
    oversampling: OversamplingSettings = Field(
        default_factory=OversamplingSettings, description="how often fast markets are repeated in a corpus"
    )
    sft: SftSettings = Field(default_factory=SftSettings, description="which samples are imitated")
    pairs: PairSettings = Field(default_factory=PairSettings, description="which decisions are compared")
    dataset: DatasetSettings = Field(default_factory=DatasetSettings, description="how datasets are divided")
