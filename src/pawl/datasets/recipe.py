"""Everything that a dataset version is rebuilt from, beside the ledger itself: what its `filters` hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pawl.datasets.eligibility import Window
from pawl.datasets.passport_settings import PassportSettings
from pawl.errors import InputError
from pawl.ledger.column_types import utc_text

__all__ = ["LAYER_TYPES", "Recipe"]

LAYER_TYPES = ("pretrain", "sft", "orpo")
"""The types of dataset that are made of trajectories: L2, L3 and L4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to build. without_traces: those that had a parked event at the time of the cut. seed: nothing is drawn at
    random so far; it is kept, so that a version says what it followed from once something is. code: the code's version.
    """

    dataset_type: str
    window: Window
    settings: PassportSettings
    seed: int
    code: str
    without_traces: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.dataset_type not in LAYER_TYPES:
            raise InputError(
                f"no dataset type `{self.dataset_type}` is made of trajectories",
                where="dataset",
                fix=f"take one of {', '.join(LAYER_TYPES)}; `supervised` ones are made by pawl train",
            )
        if self.window.start >= self.window.end:
            raise InputError(
                f"the window from {self.window.start} to {self.window.end} is empty",
                where="dataset",
                fix="give a --to that is later than --from",
            )

    def filters(self) -> dict[str, Any]:
        """As JSON; `read` gives the same recipe back."""
        return {
            "dataset_type": self.dataset_type,
            "decided_from": utc_text(self.window.start),
            "decided_before": utc_text(self.window.end),
            "cut_at": utc_text(self.window.cut_at),
            "settings": self.settings.model_dump(mode="json"),
            "seed": self.seed,
            "code": self.code,
            "without_traces": list(self.without_traces),
        }

    @classmethod
    def read(cls, filters: Mapping[str, Any]) -> "Recipe":
        """The recipe in the filters of a dataset version."""
        start, end, cut_at = (
            datetime.fromisoformat(filters[name]) for name in ("decided_from", "decided_before", "cut_at")
        )
        return cls(
            dataset_type=filters["dataset_type"],
            window=Window(start=start, end=end, cut_at=cut_at),
            settings=PassportSettings.model_validate(filters["settings"]),
            seed=filters["seed"],
            code=filters["code"],
            without_traces=tuple(filters["without_traces"]),
        )
