"""Model versions: their numbers, never used twice, and what is known of each."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pawl.errors import CorruptArtifactError, NotFoundError
from pawl.ids import ModelVersion
from pawl.lake.atomic import storage_error, write_atomically
from pawl.learners.certificate import Certificate

__all__ = ["VersionNumber", "VersionRecord", "VersionStore"]

_NUMBER = re.compile(r"(?P<learner>[a-z][a-z0-9_]*)-(?P<major>\d+)\.(?P<minor>\d+)")


@dataclass(frozen=True, slots=True, order=True)
class VersionNumber:
    """`<learner>-<major>.<minor>`, compared as integers.

    >>> VersionNumber.parse("m002-1.10") > VersionNumber.parse("m002-1.9")
    True
    >>> str(VersionNumber.parse("m002-1.9").next())
    'm002-1.10'
    """

    learner: str
    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a version; NotFoundError for what cannot be one."""
        match = _NUMBER.fullmatch(text)
        if match is None:
            raise NotFoundError(f"`{text}` is not a version", where="VERSION", fix="write it like m002-1.0")
        return cls(match["learner"], int(match["major"]), int(match["minor"]))

    def next(self) -> Self:
        """The number after this one."""
        return type(self)(self.learner, self.major, self.minor + 1)

    def __str__(self) -> str:
        return f"{self.learner}-{self.major}.{self.minor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """What is known of a version.

    artifact: id of its set of files. metrics and baselines: figures of the reported block, by name, and by baseline.
    """

    version: ModelVersion
    learner: str
    artifact: str
    trained_at: str
    tickers: tuple[str, ...]
    certificate: Certificate
    metrics: Mapping[str, float | None]
    baselines: Mapping[str, Mapping[str, float | None]]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "version": self.version,
            "learner": self.learner,
            "artifact": self.artifact,
            "trained_at": self.trained_at,
            "tickers": list(self.tickers),
            "certificate": self.certificate.to_json(),
            "metrics": dict(self.metrics),
            "baselines": {name: dict(metrics) for name, metrics in self.baselines.items()},
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        certificate = Certificate.from_json(values["certificate"])
        return cls(**{**values, "certificate": certificate, "tickers": tuple(values["tickers"])})


class VersionStore:
    """One JSON file a version, and one empty claim a number, made before its training starts.

    A number is claimed by creating its file exclusively, so two runs never get the same, and a failed training leaves a
    number that nobody will use again.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def claim(self, learner: str) -> ModelVersion:
        """The next free number of a learner, taken for good."""
        taken = [VersionNumber.parse(path.stem) for path in self.root.glob(f"{learner}-*.claim")]
        number = max(taken).next() if taken else VersionNumber(learner, 1, 0)
        while not self._take(number):
            number = number.next()
        return ModelVersion(str(number))

    def count(self, learner: str) -> int:
        """How many numbers of a learner were ever taken: the trials that a good-looking Sharpe ratio must survive."""
        return len(list(self.root.glob(f"{learner}-*.claim")))

    def record(self, record: VersionRecord) -> None:
        """Write down a trained version."""
        content = json.dumps(record.to_json(), indent=1, sort_keys=True, allow_nan=False)
        write_atomically(self.root / f"{record.version}.json", content.encode())

    def get(self, version: str) -> VersionRecord:
        """The record of a version; NotFoundError lists those that exist."""
        path = self.root / f"{VersionNumber.parse(version)}.json"
        if not path.exists():
            known = ", ".join(record.version for record in self.all()) or "none yet: pawl train m002"
            raise NotFoundError(f"no version `{version}`", where=str(self.root), fix=f"known versions: {known}")
        try:
            return VersionRecord.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptArtifactError(
                f"the record of `{version}` cannot be read: {error}", where=str(path), fix="restore it from a backup"
            ) from error

    def all(self) -> list[VersionRecord]:
        """Every recorded version, oldest number first."""
        numbers = sorted(VersionNumber.parse(path.stem) for path in self.root.glob("*.json"))
        return [self.get(str(number)) for number in numbers]

    def _take(self, number: VersionNumber) -> bool:
        path = self.root / f"{number}.claim"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        except FileExistsError:
            return False
        except OSError as error:
            raise storage_error(error, path) from error
        return True
