"""The dataset version of a training builds again to its hash, from its filters alone, until something changed."""

from datetime import timedelta

import polars as pl
import pytest

from pawl.jobs.training_data import TrainingOrder, dataset_of, rebuilt_hash, training_data
from pawl.jobs.workspace import Workspace
from pawl.learners.m002 import M002
from pawl.ledger.datasets import NewDataset
from pawl.market.calendars import ALWAYS
from small_workspace import DAILY, NOW, SMALL, START, TO, fill, order

LEARNER = M002(SMALL)


def dataset(workspace: Workspace, chosen: TrainingOrder) -> NewDataset:
    return dataset_of(LEARNER, chosen, training_data(workspace, LEARNER, chosen))


@pytest.mark.parametrize(
    "chosen",
    [order(), order(start=START + timedelta(days=100)), order(tickers=("BBB",)), order(to=TO - timedelta(days=30))],
)
def test_it_builds_again_to_its_hash_although_bars_and_tickers_came_since(
    workspace: Workspace, chosen: TrainingOrder
) -> None:
    fill(workspace, n_bars=700)
    stored = dataset(workspace, chosen)
    fill(workspace, n_bars=800)
    fill(workspace, ("CCC",))
    assert rebuilt_hash(workspace.silver, LEARNER.spec, stored.filters) == stored.content_hash


def test_a_bar_that_was_changed_since_gives_another_hash(workspace: Workspace) -> None:
    fill(workspace)
    stored = dataset(workspace, order())
    first = workspace.silver.scan(DAILY, ["AAA"]).collect().head(1).drop("available_at", "session")
    changed = first.with_columns(pl.col("volume") * 2)
    workspace.silver.merge(changed, DAILY, ALWAYS, source="test", now=NOW)
    assert rebuilt_hash(workspace.silver, LEARNER.spec, stored.filters) != stored.content_hash


def test_other_features_give_another_hash(workspace: Workspace) -> None:
    fill(workspace)
    stored = dataset(workspace, order())
    values = {name: getattr(LEARNER.spec, name) for name in type(LEARNER.spec).__slots__}
    other = type(LEARNER.spec)(**{**values, "horizon_bars": 6})
    assert rebuilt_hash(workspace.silver, other, stored.filters) != stored.content_hash


def test_the_same_training_is_the_same_dataset_version_and_another_cut_is_not(workspace: Workspace) -> None:
    fill(workspace)
    one, again, earlier = (dataset(workspace, each) for each in (order(), order(), order(to=TO - timedelta(days=1))))
    assert one.dataset_version_id == again.dataset_version_id != earlier.dataset_version_id
