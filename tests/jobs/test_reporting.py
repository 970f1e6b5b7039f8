"""What a report is filled with where a learner has less to say than m002."""

import polars as pl
import pytest

from pawl.jobs.backtesting import BacktestOrder, backtest_version
from pawl.jobs.comparison import compare
from pawl.jobs.reporting import ReportContext, report_data
from pawl.jobs.training import train
from pawl.jobs.workspace import Workspace
from pawl.learners.m002 import M002, M002Variant
from pawl.market.checks import QualityReport
from small_workspace import NOW, SMALL, fill, nobody, order


@pytest.mark.parametrize("variant", [M002Variant.LINEAR, M002Variant.BOOSTED])
def test_a_learner_without_states_measures_none(workspace: Workspace, variant: M002Variant) -> None:
    fill(workspace)
    learner = M002(SMALL, variant)
    record = train(workspace, learner, order(), nobody).record
    span = BacktestOrder(start=record.certificate.first_allowed, end=None, costs=order().costs)
    scored = backtest_version(workspace, learner, record.version, span)
    context = ReportContext(
        spec=learner.spec, quality=QualityReport(rows={}, findings=()), calendars={}, now=NOW, profile="test"
    )
    data = report_data(scored, compare(scored.model, scored.baselines, seed=1), context)
    assert data.profile == "test"
    assert all(not row.comparisons for row in data.metrics)
    assert data.states is None or data.states.frame.select(pl.col(data.states.states).is_null().all()).row(0) == (
        (True,) * 5
    )
