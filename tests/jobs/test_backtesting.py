"""A backtest of a version: only on bars it has not read, and only with the bytes that were stored."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from pawl.errors import CorruptArtifactError, InputError, NotFoundError, OverlapError, TooLittleDataError
from pawl.evaluation.costs import Costs
from pawl.jobs.backtesting import BacktestOrder, backtest_version
from pawl.jobs.training import train
from pawl.jobs.workspace import Workspace
from pawl.learners.m002 import M002, M002Variant
from small_workspace import SMALL, Trained, fill, nobody, order

FIRST_ALLOWED = datetime(2022, 10, 6, tzinfo=UTC)
ORDER = BacktestOrder(start=FIRST_ALLOWED, end=datetime(2023, 1, 1, tzinfo=UTC), costs=Costs())


def test_the_first_allowed_bar_is_the_first_that_may_be_scored(trained: Trained) -> None:
    scored = backtest_version(trained.workspace, trained.learner, "m002-1.0", ORDER)
    decisions = scored.model.decisions
    assert decisions["ts"].min() == FIRST_ALLOWED
    assert decisions["ts"].max() == datetime(2022, 12, 31, tzinfo=UTC)
    early = replace(ORDER, start=FIRST_ALLOWED - timedelta(days=1))
    with pytest.raises(OverlapError, match="2022-10-06"):
        backtest_version(trained.workspace, trained.learner, "m002-1.0", early)


def test_model_and_baselines_are_scored_on_the_same_bars(trained: Trained) -> None:
    scored = backtest_version(trained.workspace, trained.learner, "m002-1.0", ORDER)
    keys = scored.model.decisions.select("ticker", "ts")
    assert {*scored.baselines} == {"linear", "lightgbm_no_regime"}
    for baseline in scored.baselines.values():
        assert baseline.decisions.select("ticker", "ts").equals(keys)


def test_costs_are_taken_off(trained: Trained) -> None:
    free = backtest_version(
        trained.workspace, trained.learner, "m002-1.0", replace(ORDER, costs=Costs(fee_bps=0, slippage_bps=0))
    )
    dear = backtest_version(trained.workspace, trained.learner, "m002-1.0", replace(ORDER, costs=Costs(fee_bps=50)))
    assert free.model.metrics["n_trades"] > 0
    assert dear.model.metrics["net_return"] < free.model.metrics["net_return"]


def test_what_comes_after_the_range_changes_nothing(trained: Trained, workspace: Workspace) -> None:
    fill(workspace, n_bars=800)
    train(workspace, M002(SMALL, M002Variant.LINEAR), order(), nobody)
    longer = backtest_version(workspace, M002(SMALL, M002Variant.LINEAR), "linear-1.0", ORDER)
    shorter = replace(ORDER, end=datetime(2022, 12, 1, tzinfo=UTC))
    short = backtest_version(workspace, M002(SMALL, M002Variant.LINEAR), "linear-1.0", shorter)
    until = longer.model.decisions.filter(pl.col("ts") < shorter.end)
    assert short.model.decisions.equals(until)


def test_a_changed_byte_refuses_to_be_scored(workspace: Workspace) -> None:
    fill(workspace)
    learner = M002(SMALL, M002Variant.LINEAR)
    record = train(workspace, learner, order(), nobody).record
    content = workspace.artifacts.load(record.artifact)["linear/linear_head.json"]
    blob = workspace.artifacts.path_of(hashlib.sha256(content).hexdigest())
    blob.write_bytes(blob.read_bytes()[:-2] + b"9}")
    with pytest.raises(CorruptArtifactError, match=r"linear_head\.json"):
        backtest_version(workspace, learner, "linear-1.0", ORDER)


@pytest.mark.parametrize(
    ("change", "error", "what"),
    [
        ({"end": FIRST_ALLOWED}, InputError, "not after its start"),
        ({"start": datetime(2030, 1, 1, tzinfo=UTC), "end": None}, TooLittleDataError, "no bar opens"),
        ({"tickers": ("NOPE",)}, NotFoundError, "NOPE"),
    ],
)
def test_a_range_that_cannot_be_scored_is_told(
    trained: Trained, change: dict[str, object], error: type[Exception], what: str
) -> None:
    with pytest.raises(error, match=what):
        backtest_version(trained.workspace, trained.learner, "m002-1.0", replace(ORDER, **change))  # type: ignore[arg-type]


def test_an_unknown_version_is_told(trained: Trained) -> None:
    with pytest.raises(NotFoundError, match=r"m002-9\.9"):
        backtest_version(trained.workspace, trained.learner, "m002-9.9", ORDER)
