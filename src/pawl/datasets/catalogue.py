"""The dataset versions on record: listed, found by the beginning of their id, and compared."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa

from pawl.errors import NotFoundError
from pawl.ledger.learning_record import DatasetRow
from pawl.ledger.training_tables import dataset_versions

__all__ = ["Difference", "StoredVersion", "differences", "find_version", "list_versions"]

SHORT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion(DatasetRow):
    """A dataset version as it stands in the ledger, with everything that it was built from."""

    filters: Mapping[str, Any]

    @property
    def short_id(self) -> str:
        """The beginning of the id, by which it can be asked for."""
        return str(self.dataset_version_id)[:SHORT]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A value that two versions do not share. name: its path, as `filters.settings.utility.w1`; None: not there."""

    name: str
    first: object
    second: object


def list_versions(tx: sa.Connection) -> list[StoredVersion]:
    """Every version, the newest first."""
    c = dataset_versions.c
    found = sa.select(dataset_versions).order_by(c.created_at.desc(), c.dataset_version_id)
    return [_stored(row) for row in tx.execute(found)]


def find_version(tx: sa.Connection, prefix: str) -> StoredVersion:
    """The one version whose id begins so; NotFoundError where there is none, or more than one."""
    wanted = prefix.strip().lower().replace("-", "")
    ids = [one for one in tx.execute(sa.select(dataset_versions.c.dataset_version_id)).scalars()]
    matching = [one for one in ids if wanted and one.hex.startswith(wanted)]
    if len(matching) != 1:
        what = "no dataset version" if not matching else f"{len(matching)} dataset versions"
        raise NotFoundError(
            f"{what} whose id begins with `{prefix}`", where="ml_dataset_versions", fix="list them: pawl dataset ls"
        )
    found = sa.select(dataset_versions).where(dataset_versions.c.dataset_version_id == matching[0])
    return _stored(tx.execute(found).one())


def differences(first: StoredVersion, second: StoredVersion) -> list[Difference]:
    """Every value of type, hash, count, filters and quality report in which they differ, by name."""
    left, right = (dict(_flat(_values(one))) for one in (first, second))
    return [
        Difference(name=name, first=left.get(name), second=right.get(name))
        for name in sorted(left.keys() | right.keys())
        if left.get(name) != right.get(name)
    ]


def _values(one: StoredVersion) -> dict[str, Any]:
    return {
        "dataset_type": one.dataset_type,
        "hash": one.content_hash,
        "sample_count": one.sample_count,
        "filters": one.filters,
        "quality": one.quality_report,
    }


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, object]]:  # noqa: ANN401 - any JSON value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _stored(row: sa.Row[Any]) -> StoredVersion:
    return StoredVersion(**{one.name: getattr(row, one.name) for one in fields(StoredVersion)})
