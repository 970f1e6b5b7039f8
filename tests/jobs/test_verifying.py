"""The dataset of a training is verified from the bars that are there now."""

from dataclasses import replace

import polars as pl

from pawl.datasets.catalogue import StoredVersion
from pawl.jobs.training_data import dataset_of, training_data
from pawl.jobs.verifying import verify_bars
from pawl.jobs.workspace import Workspace
from pawl.learners.m002 import M002
from small_workspace import DAILY, NOW, SMALL, fill, order

LEARNER = M002(SMALL)


def test_pass_r38_it_is_identical_until_a_bar_was_changed(workspace: Workspace) -> None:
    fill(workspace)
    made = dataset_of(LEARNER, order(), training_data(workspace, LEARNER, order()))
    stored = StoredVersion(
        dataset_version_id=made.dataset_version_id, dataset_type="supervised", learner="m002",
        window_start=made.window_start, window_end=made.window_end, sample_count=made.sample_count,
        content_hash=made.content_hash, created_at=NOW, filters=made.filters, quality_report=made.quality_report,
    )  # fmt: skip
    found = verify_bars(workspace.home, stored, LEARNER.spec)
    assert found.is_identical
    assert (found.rebuilt_hash, found.file) == (made.content_hash, "missing")
    assert not verify_bars(workspace.home, replace(stored, content_hash="0" * 64), LEARNER.spec).is_identical
    first = workspace.silver.scan(DAILY, ["AAA"]).collect().head(1).drop("available_at", "session")
    changed = first.with_columns(pl.col("volume") * 2)
    calendar = workspace.silver.calendars(DAILY)["AAA"].calendar
    workspace.silver.merge(changed, DAILY, calendar, source="mend", now=NOW)
    assert not verify_bars(workspace.home, stored, LEARNER.spec).is_identical
