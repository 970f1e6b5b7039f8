"""A user's own samples: counted from the rows themselves, and counted once."""

from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from dataset_world import NOW as BUILT_AT
from dataset_world import World, crowd
from decision_events import user
from passport_world import ME, OTHER, WEEK, cut_dataset
from pawl.datasets.own_samples import OwnSamples
from pawl.ledger.database import Ledger
from pawl.ledger.decision_tables import decision_trajectories
from pawl.ledger.identity import identity
from pawl.ledger.learning_record import datasets_page
from pawl.ledger.pair_tables import preference_pairs

NOBODY = identity("user", "nobody")


def test_pairs_are_counted_in_the_ledger_and_other_rows_in_their_file(ledger: Ledger, tmp_path: Path) -> None:
    with ledger.transaction() as tx:
        for kind in ("orpo", "sft", "pretrain"):
            cut_dataset(tx, tmp_path, kind, WEEK, {ME: 3, OTHER: 9})
        samples = OwnSamples(tmp_path)
        for dataset in datasets_page(tx, None, None, 10):
            assert [samples.count(tx, dataset, who) for who in (ME, OTHER, NOBODY)] == [3, 9, 0], dataset.dataset_type


def test_rows_that_are_not_here_are_unknown_and_not_none(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    with sqlite_ledger.transaction() as tx:
        cut_dataset(tx, tmp_path / "elsewhere", "sft", WEEK, {ME: 3})
        (dataset,) = datasets_page(tx, None, None, 10)
        assert OwnSamples(tmp_path).count(tx, dataset, ME) is None


def test_what_was_counted_is_remembered(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    with sqlite_ledger.transaction() as tx:
        dataset_id = cut_dataset(tx, tmp_path, "sft", WEEK, {ME: 3})
        (dataset,) = datasets_page(tx, None, None, 10)
        samples = OwnSamples(tmp_path)
        assert samples.count(tx, dataset, ME) == 3
        (tmp_path / "datasets" / str(dataset_id) / "rows.parquet").unlink()
        assert samples.count(tx, dataset, ME) == 3
        assert samples.count(tx, dataset, OTHER) is None  # what one user was told is not told to another


def test_a_dataset_of_the_market_holds_nobodys_samples(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    from ledger_world import trained

    with sqlite_ledger.transaction() as tx:
        trained(tx, "m002-1.0")
        (dataset,) = datasets_page(tx, None, None, 10)
        assert (dataset.dataset_type, OwnSamples(tmp_path).count(tx, dataset, ME)) == ("supervised", 0)
        assert tx.execute(sa.select(sa.func.count()).select_from(preference_pairs)).scalar_one() == 0


@pytest.mark.parametrize("kind", ["pretrain", "sft", "orpo"])
def test_the_samples_of_a_version_that_was_built_are_those_of_its_trajectories(
    kind: str, sqlite_ledger: Ledger, tmp_path: Path
) -> None:
    world = World(sqlite_ledger, tmp_path)
    world.tell(crowd(400))
    built = world.build(kind)
    with sqlite_ledger.reading() as tx:
        (dataset,) = datasets_page(tx, kind, None, 10)
        samples = OwnSamples(tmp_path)
        counted = {who: samples.count(tx, dataset, user(who)) for who in range(5)}
        c = decision_trajectories.c
        owners = {str(one): who for one, who in tx.execute(sa.select(c.trajectory_id, c.user_id))}
    column = "chosen_id" if kind == "orpo" else "trajectory_id"
    named = world.rows(built).get_column(column).replace_strict({name: str(who) for name, who in owners.items()})
    assert counted == {who: int((named == str(user(who))).sum()) for who in range(5)}
    assert sum(one or 0 for one in counted.values()) == built.sample_count == dataset.sample_count > 0
    assert isinstance(named, pl.Series) and dataset.created_at == BUILT_AT
