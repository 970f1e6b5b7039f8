"""The certificate of a version: what it has read, so that nobody scores it on that."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from pawl.errors import CorruptArtifactError, OverlapError
from pawl.ids import DatasetHash, ModelVersion

__all__ = ["Certificate"]

_INSTANTS = ("max_ts", "max_t1", "scored_from", "first_allowed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a training run read, and what it ran on.

    max_ts: open time of the newest bar read for anything, a fit of a scaler included. max_t1: the latest instant at
    which a label it read became known, or at which a bar it read closed, whichever is later. scored_from: the first
    decision instant of the reported block, which was read to report on it and fitted nothing; there the version is
    judged when it is new. first_allowed: the first bar (open time) that may be scored later, the first after `max_t1`
    and the embargo. libraries: name → version.
    """

    dataset_hash: DatasetHash
    max_ts: datetime
    max_t1: datetime
    scored_from: datetime
    first_allowed: datetime
    seed: int
    code: str
    libraries: Mapping[str, str]

    def require_unread(self, version: ModelVersion, start: datetime) -> None:
        """Refuse a range that starts before the first allowed bar (OverlapError)."""
        if start < self.first_allowed:
            raise OverlapError(
                f"`{version}` may not be scored from {start:%Y-%m-%d}: it has read bars and labels up to "
                f"{self.max_t1:%Y-%m-%d %H:%M} UTC",
                where="--from",
                fix=f"start at {self.first_allowed:%Y-%m-%d} or later, or train a version with an earlier --to",
            )

    def to_json(self) -> dict[str, Any]:
        """As JSON values; instants in ISO 8601."""
        values = asdict(self)
        for name in _INSTANTS:
            values[name] = values[name].isoformat()
        return {**values, "libraries": dict(self.libraries)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        try:
            instants = {name: datetime.fromisoformat(values[name]) for name in _INSTANTS}
            return cls(**{**values, **instants})
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptArtifactError(
                f"the certificate cannot be read: {error}", where="version file", fix="train the version again"
            ) from error
