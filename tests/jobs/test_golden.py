"""Golden predictions: said again to the byte, and any other answer is named."""

import io
from collections.abc import Mapping

import polars as pl
import pytest

from pawl.jobs.backtesting import load_models
from pawl.jobs.golden import BARS, N_ANSWERS, PREDICTIONS, golden_difference
from small_workspace import Trained


@pytest.fixture(scope="module")
def files(trained: Trained) -> Mapping[str, bytes]:
    return trained.workspace.artifacts.load(trained.result.record.artifact)


def difference(trained: Trained, files: Mapping[str, bytes]) -> str | None:
    model = load_models(trained.workspace, trained.learner, trained.result.record)["m002"][1]
    return golden_difference(trained.learner, model, files)


def changed(files: Mapping[str, bytes], change: pl.Expr) -> dict[str, bytes]:
    """The files with other stored answers."""
    into = io.BytesIO()
    pl.read_parquet(io.BytesIO(files[PREDICTIONS])).with_columns(change).write_parquet(into)
    return {**files, PREDICTIONS: into.getvalue()}


def test_a_version_says_its_golden_predictions_again(trained: Trained, files: Mapping[str, bytes]) -> None:
    assert difference(trained, files) is None
    stored = pl.read_parquet(io.BytesIO(files[PREDICTIONS]))
    assert stored.height == 2 * N_ANSWERS
    assert stored["pred_rebound_prob"].null_count() == 0
    assert pl.read_parquet(io.BytesIO(files[BARS])).height == 2 * (260 + N_ANSWERS)


def test_one_answer_that_differs_in_its_last_bit_is_seen(trained: Trained, files: Mapping[str, bytes]) -> None:
    is_last = pl.int_range(pl.len()) == pl.len() - 1
    moved = pl.when(is_last).then(pl.col("policy_score") + 1e-17).otherwise("policy_score").alias("policy_score")
    assert (
        difference(trained, changed(files, moved))
        == f"`policy_score` differs in 1 of {2 * N_ANSWERS} golden predictions"
    )


def test_an_answer_that_is_missing_now_or_was_then_is_seen(trained: Trained, files: Mapping[str, bytes]) -> None:
    found = difference(trained, changed(files, pl.lit(None, pl.Float64).alias("policy_score")))
    assert found is not None
    assert "policy_score" in found


def test_another_shape_is_seen(trained: Trained, files: Mapping[str, bytes]) -> None:
    found = difference(trained, changed(files, pl.lit(1.0).alias("a_new_column")))
    assert found is not None
    assert "columns" in found


def test_a_version_without_golden_predictions_cannot_show_anything(
    trained: Trained, files: Mapping[str, bytes]
) -> None:
    bare = {name: content for name, content in files.items() if not name.startswith("_golden")}
    assert difference(trained, bare) == "no golden predictions were stored with it"
