"""How many samples of a dataset version come from one user: its own, and nothing about anybody else's."""

from collections import OrderedDict
from pathlib import Path
from uuid import UUID

import polars as pl
import sqlalchemy as sa

from pawl.datasets.rows_file import rows_path
from pawl.ledger.learning_record import USER_TYPES, DatasetRow
from pawl.ledger.pair_tables import preference_pairs

__all__ = ["OwnSamples"]

MOST_REMEMBERED = 10_000


class OwnSamples:
    """Counts the samples of users, and remembers what it counted: a dataset version never changes.

    home: the workspace in which the rows of dataset versions lie.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._counted: OrderedDict[tuple[UUID, UUID], int] = OrderedDict()

    def count(self, tx: sa.Connection, dataset: DatasetRow, user_id: UUID) -> int | None:
        """Samples that come from the user's trajectories; None where the rows are not on this machine.

        orpo: pairs whose chosen decision is the user's. pretrain and sft: rows of the user's decisions, copies of
        oversampling included, as the sample count of the version includes them. Anything else holds no samples of
        users.
        """
        key = (dataset.dataset_version_id, user_id)
        if key not in self._counted:
            found = self._count(tx, dataset, user_id)
            if found is None:
                return None
            self._counted[key] = found
            if len(self._counted) > MOST_REMEMBERED:
                self._counted.popitem(last=False)
        return self._counted[key]

    def _count(self, tx: sa.Connection, dataset: DatasetRow, user_id: UUID) -> int | None:
        if dataset.dataset_type not in USER_TYPES:
            return 0
        if dataset.dataset_type == "orpo":
            return _n_pairs(tx, dataset.dataset_version_id, user_id)
        path = rows_path(self.home, dataset.dataset_version_id)
        if not path.exists():
            return None
        mine = pl.scan_parquet(path).filter(pl.col("user_id") == str(user_id))
        return int(mine.select(pl.len()).collect().item())


def _n_pairs(tx: sa.Connection, dataset_version_id: UUID, user_id: UUID) -> int:
    c = preference_pairs.c
    mine = (c.user_id == user_id) & (c.dataset_version_id == dataset_version_id)
    return int(tx.execute(sa.select(sa.func.count()).select_from(preference_pairs).where(mine)).scalar_one())
