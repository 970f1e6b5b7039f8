"""The backtest as a user runs it: score, compare, write the page."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pawl.evaluation.bootstrap import Estimate
from pawl.jobs.backtesting import BacktestOrder, ScoredVersion, backtest_version
from pawl.jobs.comparison import Compared, compare
from pawl.jobs.reporting import ReportContext, report_data
from pawl.jobs.workspace import Workspace
from pawl.lake.atomic import write_atomically
from pawl.learners.learner import Learner
from pawl.market.checks import check_bars
from pawl.market.limits import QualityLimits
from pawl.reports.page import render_report
from pawl.reports.report_data import ReportData

__all__ = ["ReportedBacktest", "Reporting", "reported_backtest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """How a report is made. seed: of its bootstraps. profile: a named variant of the run, or empty."""

    now: datetime
    seed: int
    limits: QualityLimits
    profile: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedBacktest:
    """A scored version, its comparison, what the page shows, and where it lies.

    path: the page of this version and span. newest: the same page where the newest of the workspace always lies.
    """

    scored: ScoredVersion
    compared: dict[str, Compared]
    data: ReportData
    path: Path
    newest: Path

    def intervals(self) -> dict[str, Any]:
        """Metric → the model's interval, and by baseline its own and that of model − baseline; as JSON values."""
        return {
            name: {
                "model": _bounds(compared.model),
                "baselines": {
                    baseline: {"value": _bounds(value), "difference": _bounds(difference)}
                    for baseline, (value, difference) in compared.baselines.items()
                },
            }
            for name, compared in self.compared.items()
        }


def reported_backtest(
    workspace: Workspace,
    learner: Learner[Any],
    version: str,
    order: BacktestOrder,
    reporting: Reporting,
    on_stage: Callable[[str, float], None],
) -> ReportedBacktest:
    """Score a version (see `backtest_version` for what is refused) and write its page.

    It lies in `reports/<version>_<from>_<to>.html`, and again in `report.html`, which is always the newest.
    """
    on_stage("scoring the version and its baselines", 0.0)
    scored = backtest_version(workspace, learner, version, order)
    on_stage("scoring the version and its baselines", 1.0)
    on_stage("intervals", 0.0)
    compared = compare(scored.model, scored.baselines, reporting.seed)
    on_stage("intervals", 1.0)
    on_stage("report", 0.0)
    timeframe = learner.spec.timeframe
    calendars = workspace.silver.calendars(timeframe)
    context = ReportContext(
        spec=learner.spec,
        quality=check_bars(
            scored.bars, calendars, timeframe, reporting.limits, workspace.silver.quarantined(timeframe)
        ),
        calendars={ticker: entry.code for ticker, entry in calendars.items()},
        now=reporting.now,
        profile=reporting.profile,
    )
    data = report_data(scored, compared, context)
    path = workspace.home / "reports" / f"{version}_{data.start:%Y-%m-%d}_{data.end:%Y-%m-%d}.html"
    newest = workspace.home / "report.html"
    page = render_report(data)
    for place in (path, newest):
        write_atomically(place, page.encode())
    on_stage("report", 1.0)
    return ReportedBacktest(scored=scored, compared=compared, data=data, path=path, newest=newest)


def _bounds(estimate: Estimate) -> dict[str, float]:
    return asdict(estimate)
