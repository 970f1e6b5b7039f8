"""How the boosted head is grown."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["HeadConfig"]


class HeadConfig(BaseModel):
    """How the trees are grown; the same for the classifier and both regressors.

    >>> HeadConfig().n_estimators
    600
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_estimators: int = Field(600, ge=1, description="trees of each model")
    learning_rate: float = Field(0.02, gt=0, le=1, description="weight of each tree")
    num_leaves: int = Field(15, ge=2, description="leaves of a tree")
    min_child_samples: int = Field(100, ge=1, description="rows in a leaf, at least")
    subsample: float = Field(0.8, gt=0, le=1, description="share of rows drawn for each tree")
    colsample_bytree: float = Field(0.8, gt=0, le=1, description="share of features drawn for each tree")
    reg_lambda: float = Field(1.0, ge=0, description="L2 penalty on leaf values")

    def grown(self, seed: int) -> dict[str, Any]:
        """What LightGBM's estimators are made with: the same seed and rows give the same model to the byte.

        >>> HeadConfig().grown(7)["n_jobs"]
        1
        """
        return {
            **self.model_dump(),
            "subsample_freq": 1,
            "random_state": seed,
            # One thread, one histogram layout: the same sums in the same order, so the same model to the byte.
            "n_jobs": 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }
