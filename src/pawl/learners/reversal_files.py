"""The files of a version of reversal under the names of its spec, and the facts that lie beside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from pawl.errors import InputError
from pawl.ids import ModelVersion
from pawl.models.exact_json import to_exact_json

__all__ = ["VersionFacts", "named_files"]

KINDS = ("full", "incremental")


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionFacts:
    """What `{version}_metadata.json` holds. parent_version: of an incremental version, and of no other."""

    version: ModelVersion
    parent_version: ModelVersion | None
    training_type: str
    trained_at: datetime
    metrics: Mapping[str, float | None]

    def __post_init__(self) -> None:
        is_update = self.training_type == "incremental"
        if self.training_type not in KINDS or is_update != (self.parent_version is not None):
            raise InputError(
                f"a version trained `{self.training_type}` from {self.parent_version or 'nothing'}",
                where=str(self.version),
                fix="an incremental version names its parent, a full one has none",
            )

    def to_bytes(self) -> bytes:
        """As JSON; what is NaN is null."""
        return to_exact_json(
            {
                "version": self.version,
                "parent_version": self.parent_version,
                "training_type": self.training_type,
                "trained_at": self.trained_at.isoformat(),
                "metrics": {k: v if v is not None and isfinite(v) else None for k, v in self.metrics.items()},
            }
        )


def named_files(files: Mapping[str, bytes], facts: VersionFacts) -> dict[str, bytes]:
    """`{version}_stage1.safetensors`, `{version}_stage2.safetensors`, `{version}_scaler.json`,
    `{version}_features.json` and `{version}_metadata.json`. files: as the model gives them.

    A daily version so carries its parent's scaler and features: they are among its model's files.
    """
    return {
        **{f"{facts.version}_{name}": content for name, content in files.items()},
        f"{facts.version}_metadata.json": facts.to_bytes(),
    }
