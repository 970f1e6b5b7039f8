"""Dataset versions of users' decisions: built from the ledger, kept, and built again to the same hash."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import sqlalchemy as sa

from pawl.datasets.corpus_texts import documents_before
from pawl.datasets.cut import Cut, latest_cut, require_settled
from pawl.datasets.eligibility import Window
from pawl.datasets.finished_rows import finished_rows
from pawl.datasets.layers import Layer, build_layer
from pawl.datasets.passport_settings import PassportSettings
from pawl.datasets.prepared_rows import prepare
from pawl.datasets.quarantine import label_ambiguous, write_pairs
from pawl.datasets.recipe import LAYER_TYPES, Recipe
from pawl.datasets.rows_file import file_hash, layer_hash, rows_path, write_rows
from pawl.errors import InputError, QualityError
from pawl.ids import DatasetHash
from pawl.ledger.database import Ledger
from pawl.ledger.datasets import NewDataset, record_dataset
from pawl.ledger.decision_tables import decision_trajectories
from pawl.ledger.training_tables import dataset_versions
from pawl.market.bars import UTC_TIME

__all__ = ["BuiltDataset", "DatasetRequest", "VerifiedDataset", "build_dataset", "verify_dataset"]

LEARNER = "policy"
"""Whose datasets these are; a corpus serves the analyst too."""

FILE_STATES = ("same", "changed", "missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetRequest:
    """What to build. start, end: of the decisions. cut_at: outcomes recorded before it count; None: right behind the
    newest one in the window that can be rebuilt. code: the version of this code.
    """

    dataset_type: str
    start: datetime
    end: datetime
    settings: PassportSettings
    seed: int
    code: str
    cut_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltDataset:
    """A dataset version that stands in the ledger. is_new: False where the same request was built before."""

    dataset_version_id: UUID
    content_hash: DatasetHash
    sample_count: int
    quality: Mapping[str, Any]
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedDataset:
    """A version beside what its filters give today. file: what its kept rows are, one of FILE_STATES."""

    content_hash: str
    rebuilt_hash: str
    sample_count: int
    rebuilt_count: int
    file: str

    @property
    def is_identical(self) -> bool:
        """Whether it is what it was. A missing file is no change: it can be built again."""
        is_same = (self.content_hash, self.sample_count) == (self.rebuilt_hash, self.rebuilt_count)
        return is_same and self.file != "changed"


def build_dataset(ledger: Ledger, home: Path, request: DatasetRequest, now: datetime) -> BuiltDataset:
    """Build a version, keep its rows in the workspace and write it down: all of it, or nothing that anybody sees.

    RefusalError for a cut that a later event could still come before; QualityError, with the report, where nothing is
    left or the rare regimes cannot be given their share.
    """
    with ledger.reading() as tx:
        cut = latest_cut(tx, now)
        if request.cut_at is not None:
            require_settled(request.cut_at, cut)
        finished = finished_rows(tx, cut.parked_traces)
        recipe = _recipe(request, finished, cut)
        prepared = prepare(finished, recipe)
        del finished  # as large as what was prepared, and pairs need the room
        documents = documents_before(tx, recipe.window.cut_at)
        n_unresolved = _n_unresolved(tx, recipe.window)
    layer = build_layer(prepared, recipe, documents)
    del prepared
    quality = {**layer.quality, "n_pending": n_unresolved, "n_parked_traces": len(cut.parked_traces)}
    if layer.n_rows == 0:
        raise _nothing_left(recipe, quality)
    new = NewDataset(
        learner=LEARNER,
        content_hash=layer_hash(layer),
        window_start=recipe.window.start,
        window_end=recipe.window.end,
        sample_count=layer.n_rows,
        filters=recipe.filters(),
        quality_report=quality,
        dataset_type=recipe.dataset_type,
    )
    # Before the row: a version that is on record has its rows. A file of none does no harm and is found again.
    write_rows(layer, rows_path(home, new.dataset_version_id))
    return _written(ledger, new, layer, now)


def verify_dataset(ledger: Ledger, home: Path, dataset_version_id: UUID) -> VerifiedDataset:
    """Build a version again from its filters, and compare. NotFoundError is the caller's: the id must be known."""
    with ledger.reading() as tx:
        row = tx.execute(
            sa.select(dataset_versions).where(dataset_versions.c.dataset_version_id == dataset_version_id)
        ).one()
        if row.dataset_type not in LAYER_TYPES:
            raise InputError(
                f"a `{row.dataset_type}` dataset is not made of trajectories",
                where=str(dataset_version_id),
                fix="verify it from the bars it was read from",
            )
        recipe = Recipe.read(row.filters)
        prepared = prepare(finished_rows(tx, recipe.without_traces), recipe)
        documents = documents_before(tx, recipe.window.cut_at)
    layer = build_layer(prepared, recipe, documents)
    del prepared
    rebuilt, n_rebuilt = layer_hash(layer), layer.n_rows
    del layer
    path = rows_path(home, dataset_version_id)
    kept = file_hash(path) if path.exists() else None
    return VerifiedDataset(
        content_hash=row.content_hash,
        rebuilt_hash=rebuilt,
        sample_count=row.sample_count,
        rebuilt_count=n_rebuilt,
        file="missing" if kept is None else "same" if kept == row.content_hash else "changed",
    )


def _recipe(request: DatasetRequest, finished: pl.DataFrame, cut: Cut) -> Recipe:
    cut_at = request.cut_at or _newest_outcome(finished, request, cut.latest)
    return Recipe(
        dataset_type=request.dataset_type,
        window=Window(start=request.start, end=request.end, cut_at=cut_at),
        settings=request.settings,
        seed=request.seed,
        code=request.code,
        without_traces=cut.parked_traces,
    )


def _newest_outcome(finished: pl.DataFrame, request: DatasetRequest, latest: datetime) -> datetime:
    """Right behind the newest outcome of the window, so that the same request is the same version until one comes."""
    start, end, last = (pl.lit(instant, UTC_TIME) for instant in (request.start, request.end, latest))
    is_inside = (pl.col("decided_at") >= start) & (pl.col("decided_at") < end) & (pl.col("outcome_at") < last)
    newest = finished.filter(is_inside).get_column("outcome_at").max()
    return newest + timedelta(microseconds=1) if isinstance(newest, datetime) else latest


def _n_unresolved(tx: sa.Connection, window: Window) -> int:
    c = decision_trajectories.c
    is_inside = (c.created_at >= window.start) & (c.created_at < window.end)
    found = sa.select(sa.func.count()).select_from(decision_trajectories)
    return int(tx.execute(found.where(c.outcome_features.is_(None), is_inside)).scalar_one())


def _written(ledger: Ledger, new: NewDataset, layer: Layer, now: datetime) -> BuiltDataset:
    name = new.dataset_version_id
    with ledger.transaction() as tx:
        if tx.dialect.name == "postgresql":  # two builders of one version: the second waits, then finds it
            tx.execute(sa.select(sa.func.pg_advisory_xact_lock(name.int % 2**63)))
        of_version = sa.select(dataset_versions.c.quality_report).where(dataset_versions.c.dataset_version_id == name)
        standing = tx.execute(of_version).scalar_one_or_none()
        if standing is None:
            record_dataset(tx, new, now)
            if new.dataset_type == "orpo":
                write_pairs(tx, name, layer.source.select(layer.columns), LEARNER, now)
        label_ambiguous(tx, layer.conflicted)
    return BuiltDataset(
        dataset_version_id=name,
        content_hash=new.content_hash,
        sample_count=new.sample_count,
        quality=dict(new.quality_report) if standing is None else standing,
        is_new=standing is None,
    )


def _nothing_left(recipe: Recipe, quality: Mapping[str, Any]) -> QualityError:
    counts = ", ".join(f"{name} {value}" for name, value in quality.items() if isinstance(value, int))
    return QualityError(
        f"nothing is left for a dataset `{recipe.dataset_type}`: {counts}",
        where=f"decisions from {recipe.window.start:%Y-%m-%d} to {recipe.window.end:%Y-%m-%d}",
        fix="choose a longer window, let outcomes arrive, or see docs/datasets.md for what is left out",
    )
